import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findProgram } from '../../programs/find-program.ts';
import { runProgram, startProgram, type RunningProgram } from '../../programs/program.ts';
import type { Log } from '../../log/log.ts';
import { derivedForms } from '../../redaction/derived-forms.ts';
import { redact } from '../../redaction/redact.ts';
import type { Secret } from '../../redaction/secret.ts';

export interface ToolAccess {
  readonly uri: Secret;
  /** The program, or the folder of both; default: PATH. */
  readonly at?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** One of MongoDB's own tools, ready to be started. */
export interface MongoTool {
  readonly name: 'mongodump' | 'mongorestore';
  /** As it says itself, for example `100.12.0`. */
  readonly version: string;
  /** Starts it with the connection string in a file that only this user can read; it is gone when the tool has ended. */
  start(args: readonly string[]): Promise<RunningProgram>;
}

/** Finds `mongodump` or `mongorestore` and asks for its version. Throws `engine/not-found`, `engine/failed`. */
export async function openTool(name: MongoTool['name'], { uri, at, env, log, signal }: ToolAccess): Promise<MongoTool> {
  const file = await findProgram({ name, at, env });
  const secrets = derivedForms(uri.reveal());
  const show = (line: string): string => withoutContent(redact(line, secrets));
  const common = { name, file, env, show, log, signal };
  const asked = await runProgram({ ...common, args: ['--version'] });
  if (asked.failure !== undefined) throw asked.failure;
  const version = /version: (\S+)/.exec(asked.output)?.[1] ?? 'unknown';
  log.info(`Using ${file}, version ${version}`);
  return {
    name,
    version,
    async start(args) {
      const folder = await mkdtemp(path.join(tmpdir(), 'migration-guard-tool-'));
      const clear = async (): Promise<void> => rm(folder, { recursive: true, force: true });
      try {
        const config = path.join(folder, 'config.yml');
        // A JSON text is a YAML text too.
        await writeFile(config, `uri: ${JSON.stringify(withoutDatabase(uri.reveal().trim()))}\n`, { mode: 0o600 });
        const program = startProgram({ ...common, args: [`--config=${config}`, ...args] });
        const ended = (async () => {
          try {
            await program.ended;
          } finally {
            await clear();
          }
        })();
        ended.catch(() => undefined);
        return { ...program, ended };
      } catch (error) {
        await clear();
        throw error;
      }
    },
  };
}

/**
 * A connection string without its database, which the tools would take for the only one that is meant; it stays the one that knows the
 * user. Pure.
 */
export function withoutDatabase(uri: string): string {
  const [, address, database = '', query = ''] = /^(mongodb(?:\+srv)?:\/\/[^/?]+)\/?([^?]*)(?:\?(.*))?$/s.exec(uri) ?? [];
  if (address === undefined) return uri;
  const knowsUser = database === '' || !address.includes('@') || /(?:^|&)authSource=/i.test(query);
  const options = [query, ...(knowsUser ? [] : [`authSource=${database}`])].filter((part) => part !== '').join('&');
  return `${address}/${options === '' ? '' : `?${options}`}`;
}

/** The tools quote documents that were refused. */
function withoutContent(line: string): string {
  return line.replace(/\{.*\}/, '{…}');
}
