import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { script } from './stock-tools.ts';

/** What one call of `pbm` answers. */
export interface PbmReply {
  /** Printed as JSON, after `before`. */
  readonly out?: unknown;
  readonly before?: string;
  readonly exitCode?: number;
}

export interface PbmCall {
  readonly args: readonly string[];
  readonly uri: string;
}

export interface PbmStandIn {
  readonly file: string;
  calls(): Promise<readonly PbmCall[]>;
}

/**
 * Puts an executable `pbm` into a folder that gives recorded answers: for each command one after another, the last one again and again.
 * Their form is that of percona/percona-backup-mongodb cmd/pbm 2.15.
 */
export async function pbmStandIn(folder: string, replies: Readonly<Record<string, readonly PbmReply[]>>): Promise<PbmStandIn> {
  const program = path.join(folder, 'pbm.mjs');
  const log = path.join(folder, 'calls.jsonl');
  await writeFile(log, '');
  await writeFile(
    program,
    `import { appendFileSync, readFileSync } from 'node:fs';
     const [command, ...rest] = process.argv.slice(2);
     const before = readFileSync(${JSON.stringify(log)}, 'utf8').split('\\n').filter((line) => line.startsWith('{"args":["' + command + '"')).length;
     appendFileSync(${JSON.stringify(log)}, JSON.stringify({ args: [command, ...rest], uri: process.env.PBM_MONGODB_URI ?? '' }) + '\\n');
     const all = (${JSON.stringify(replies)})[command];
     if (all === undefined) { console.log(JSON.stringify({ Error: 'unknown command "' + command + '" for "pbm"' })); process.exit(1); }
     const reply = all[Math.min(before, all.length - 1)];
     if (reply.before !== undefined) console.log(reply.before);
     if (reply.out !== undefined) console.log(JSON.stringify(reply.out));
     process.exitCode = reply.exitCode ?? 0;`,
  );
  const file = await script(path.join(folder, 'pbm'), `exec "${process.execPath}" "${program}" "$@"`);
  return {
    file,
    calls: async () => (await readFile(log, 'utf8')).split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as PbmCall])),
  };
}
