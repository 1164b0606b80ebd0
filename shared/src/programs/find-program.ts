import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import path from 'node:path';
import { GuardError } from '../errors/guard-error.ts';

export interface ProgramSearch {
  /** For people, for example `mongodump`; also the file that is looked for on PATH. */
  readonly name: string;
  /** The path of the program, or of the folder in which it lies; default: PATH. */
  readonly at?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The path of a program that can be run. Throws `engine/not-found`. */
export async function findProgram({ name, at, env }: ProgramSearch): Promise<string> {
  const file = process.platform === 'win32' ? `${name}.exe` : name;
  const candidates = at === undefined ? (env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '') : [at];
  for (const candidate of candidates) {
    if (at !== undefined && (await isRunnable(candidate))) return candidate;
    const inside = path.join(candidate, file);
    if (await isRunnable(inside)) return inside;
  }
  throw new GuardError('engine/not-found', at === undefined ? `There is no ${name} on PATH.` : `${at} is no ${name} that can be run.`);
}

async function isRunnable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}
