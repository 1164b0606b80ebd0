import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import workerThreads from 'node:worker_threads';
import type { FencePolicy } from './policy.ts';
import type { Refusals } from './refuse.ts';

export interface ProgramFence {
  readonly policy: FencePolicy;
  readonly refusals: Refusals;
}

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** Programs and threads are out of reach of the fence: only allowed programs start, and no thread does. */
export function fencePrograms(fence: ProgramFence): void {
  fenceAsync(fence);
  for (const name of ['spawnSync', 'execFileSync', 'execSync'] as const) fenceSync(name, fence);
  fenceReplacement(fence);
  const { refusals } = fence;
  const refuseThread = function (file: string | URL): never {
    throw refusals.refuse({ kind: 'thread', target: path.basename(String(file)) });
  };
  workerThreads.Worker = refuseThread as unknown as typeof workerThreads.Worker;
  syncBuiltinESMExports();
}

/** `spawn`, `exec`, `execFile` and `fork` all end in this method. */
function fenceAsync({ policy, refusals }: ProgramFence): void {
  const { prototype } = childProcess.ChildProcess as unknown as { readonly prototype: { spawn: AnyFunction } };
  const spawn = prototype.spawn;
  prototype.spawn = function (this: unknown, ...args: unknown[]): unknown {
    const { file = '', args: all = [] } = args[0] as { readonly file?: string; readonly args?: readonly string[] };
    const program = programOf(file, all);
    if (!policy.allowedPrograms.includes(program)) throw refusals.refuse({ kind: 'program', target: program });
    return spawn.apply(this, args);
  };
}

function fenceSync(name: 'spawnSync' | 'execFileSync' | 'execSync', { policy, refusals }: ProgramFence): void {
  const original = childProcess[name] as AnyFunction;
  const fenced: AnyFunction = function (this: unknown, ...args) {
    const program = name === 'execSync' ? firstWord(String(args[0])) : path.basename(String(args[0]));
    if (!policy.allowedPrograms.includes(program)) throw refusals.refuse({ kind: 'program', target: program });
    return original.apply(this, args);
  };
  (childProcess as unknown as Record<string, AnyFunction>)[name] = fenced;
}

/** `process.execve` lets another program go on in place of this one. */
function fenceReplacement({ policy, refusals }: ProgramFence): void {
  const owner = process as unknown as { execve?: AnyFunction };
  const { execve } = owner;
  if (execve === undefined) return;
  owner.execve = function (this: unknown, ...args) {
    const program = path.basename(String(args[0]));
    if (!policy.allowedPrograms.includes(program)) throw refusals.refuse({ kind: 'program', target: program });
    return execve.apply(this, args);
  };
}

/** The program itself; of a shell that runs one command, the command's. `args` repeats the file. */
export function programOf(file: string, args: readonly string[]): string {
  const name = path.basename(file);
  const command = /^(sh|bash|dash|cmd(\.exe)?)$/.test(name) ? args.at(-1) : undefined;
  return command === undefined || command === file ? name : firstWord(command);
}

/** A shell can do several things in one command: only a plain one has the name of its program. */
function firstWord(command: string): string {
  const [word = ''] = command.trim().split(/\s+/);
  return /[;&|`$<>\n]/.test(command) ? `sh -c '${path.basename(word)} …'` : path.basename(word);
}
