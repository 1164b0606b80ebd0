import { z } from 'zod';
import { GuardError } from '../../errors/guard-error.ts';
import type { Log } from '../../log/log.ts';
import { findProgram } from '../../programs/find-program.ts';
import { runProgram } from '../../programs/program.ts';
import { derivedForms } from '../../redaction/derived-forms.ts';
import { redact } from '../../redaction/redact.ts';
import type { Secret } from '../../redaction/secret.ts';

export interface PbmAccess {
  /** Of the replica set, or of the config servers of a sharded cluster. */
  readonly uri: Secret;
  /** The program `pbm`, or its folder; default: PATH. */
  readonly at?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Runs `pbm` and reads its answer. Throws `engine/failed` with what it said. */
export type Pbm = <T>(args: readonly string[], answer: z.ZodType<T>, signal?: AbortSignal) => Promise<T>;

/** `pbm --out=json` says its errors as `{"Error": …}`, and as `{"error": …}` when another operation runs. */
const failure = z.union([
  z.object({ Error: z.string() }).transform(({ Error }) => Error),
  z.object({ error: z.string() }).transform(({ error }) => error),
]);

/**
 * The command line of Percona Backup for MongoDB. It gets the connection string by its environment, which only this user can read.
 * Source: percona/percona-backup-mongodb cmd/pbm. Throws `engine/not-found`.
 */
export async function pbmCli({ uri, at, env, log, signal: whole }: PbmAccess): Promise<Pbm> {
  const file = await findProgram({ name: 'pbm', at, env });
  const secrets = derivedForms(uri.reveal());
  const show = (line: string): string => redact(line, secrets);
  const access = { ...env, PBM_MONGODB_URI: uri.reveal() };
  return async (args, answer, signal = whole) => {
    const name = `pbm ${args[0]}`;
    const { output, failure: ended } = await runProgram({ name, file, args: [...args, '--out=json'], env: access, show, log, signal });
    // Some commands write for people before they write for programs.
    const last = output
      .split('\n')
      .map(parsed)
      .findLast((value) => value !== undefined);
    const said = failure.safeParse(last);
    if (ended !== undefined) throw said.success ? new GuardError('engine/failed', `${name}: ${show(said.data)}`, { cause: ended }) : ended;
    const read = answer.safeParse(last);
    if (read.success) return read.data;
    throw new GuardError('engine/failed', `${name} gave an answer that cannot be read: ${z.prettifyError(read.error)}`, {
      cause: read.error,
    });
  };
}

function parsed(line: string): unknown {
  if (!line.trim().startsWith('{')) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
