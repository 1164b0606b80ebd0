import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { GuardError, toError } from '../errors/guard-error.ts';
import type { Log } from '../log/log.ts';
import { endGroup } from './end-group.ts';

export interface ProgramOptions {
  /** For people, for example `mongodump`. */
  readonly name: string;
  readonly file: string;
  /** Everybody on the machine can read them: no secret belongs here. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What may be seen of a line that the program says: without secrets, without content of documents. */
  readonly show: (line: string) => string;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A program that runs. */
export interface RunningProgram {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Resolves when it ended with the exit code 0. Throws `engine/failed` with its last words otherwise, and the reason of the signal. */
  readonly ended: Promise<void>;
  /** Ends it and all that it started. */
  stop(): void;
}

/** Lines of the program that an error repeats. */
const lastLines = 5;
const longestLine = 500;

/**
 * Starts a program without a shell, in a process group of its own that ends with `signal`. What it says on standard error goes to the log
 * as it comes. The inputs of the action, which are secrets in part, are not in its environment.
 */
export function startProgram({ name, file, args, env, show, log, signal }: ProgramOptions): RunningProgram {
  signal.throwIfAborted();
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(file, args, {
    env: withoutInputs(env),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  });
  const said: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    const shown = show(line).slice(0, longestLine);
    if (shown.trim() === '') return;
    log.info(`│ ${name}: ${shown}`);
    said.push(shown);
    if (said.length > lastLines) said.shift();
  });
  // A program that ended does not read on; its exit code says why.
  child.stdin.on('error', () => undefined);
  const stop = (): void => void endGroup(child);
  signal.addEventListener('abort', stop, { once: true });
  const ended = endOf(child)
    .finally(() => signal.removeEventListener('abort', stop))
    .then(judge, judge);
  // Whoever reads the output asks for the end later.
  ended.catch(() => undefined);
  return { stdin: child.stdin, stdout: child.stdout, ended, stop };

  function judge(ending: unknown): void {
    signal.throwIfAborted();
    if (ending === 'exit code 0') return;
    const [why, cause] = typeof ending === 'string' ? [ending] : [`not started: ${toError(ending).message}`, ending];
    const words = said.length === 0 ? '' : ` It said: ${said.join(' ')}`;
    throw new GuardError('engine/failed', `${name} failed (${why}).${words}`, { cause });
  }
}

/** When the process has ended and everything that it wrote was read. */
async function endOf(child: ChildProcessByStdio<Writable, Readable, Readable>): Promise<string> {
  const [code, killedBy] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return code === null ? `signal ${killedBy}` : `exit code ${code}`;
}

/** Runs a program to its end. What it wrote to standard output comes back also when it failed. Throws the reason of the signal. */
export async function runProgram(options: ProgramOptions): Promise<{ readonly output: string; readonly failure: GuardError | undefined }> {
  const program = startProgram(options);
  program.stdin.end();
  const failed = program.ended.then(
    () => undefined,
    (error: unknown) => {
      options.signal.throwIfAborted();
      return error as GuardError;
    },
  );
  const [output, failure] = await Promise.all([text(program.stdout), failed]);
  return { output, failure };
}

/** The inputs of the action hold secrets that are none of the program's business. */
function withoutInputs(env: ProgramOptions['env']): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(INPUT|STATE)_/i.test(name)));
}
