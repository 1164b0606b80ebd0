import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HookSettings } from '../config/rollback.ts';
import { toError } from '../errors/guard-error.ts';
import type { Log } from '../log/log.ts';
import { endGroup } from '../programs/end-group.ts';
import { deadlineAfter } from '../timing/deadline.ts';

export interface HookOptions extends HookSettings {
  /** For people, for example `stop-command`; the command itself may hold secrets and is never shown. */
  readonly name: string;
  /** Run by the shell of the platform. */
  readonly command: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface HookResult {
  readonly succeeded: boolean;
  readonly attempts: number;
  /** How the last attempt ended, for example `exit code 1`. */
  readonly ending: string;
  /** The last lines that the last attempt wrote. */
  readonly output: string;
  readonly milliseconds: number;
}

const keptCharacters = 4_000;

/** Runs a command of the user until it succeeds or its attempts are used up. Throws the reason of the signal when it is aborted. */
export async function runHook(options: HookOptions): Promise<HookResult> {
  const { name, retries, pause, log, signal } = options;
  const started = performance.now();
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    log.info(`Running ${name}${attempt === 1 ? '' : `, attempt ${attempt} of ${retries + 1}`} …`);
    const { ending, output } = await runOnce(options);
    // The prefix keeps the runner from taking a line of the output for a command of ours.
    for (const line of output.split('\n')) if (line !== '') log.info(`│ ${line}`);
    const succeeded = ending === 'exit code 0';
    if (succeeded || attempt > retries) {
      return { succeeded, attempts: attempt, ending, output, milliseconds: Math.round(performance.now() - started) };
    }
    log.warning(`${name} failed (${ending}); trying again in ${pause / 1_000} s.`);
    await sleep(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/**
 * The output goes to a file, not a pipe: a start command may leave a service behind that writes on, and nobody must wait for its end or
 * break its output.
 */
async function runOnce(options: HookOptions): Promise<Pick<HookResult, 'ending' | 'output'>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'migration-guard-hook-'));
  const file = path.join(folder, 'output');
  const output = await open(file, 'w');
  try {
    const ending = await ended(options, output.fd);
    return { ending, output: await lastLines(file) };
  } finally {
    await output.close();
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function ended({ command, folder, env, timeout, signal }: HookOptions, output: number): Promise<string> {
  const child = spawn(command, {
    shell: true,
    cwd: folder,
    env: withoutInputs(env),
    stdio: ['ignore', output, output],
    // A process group of its own, so that everything it started can be ended with it.
    detached: process.platform !== 'win32',
  });
  const deadline = deadlineAfter(timeout);
  const stop = AbortSignal.any([deadline, signal]);
  const onStop = (): void => void endGroup(child);
  stop.addEventListener('abort', onStop, { once: true });
  try {
    const [code, killedBy] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    signal.throwIfAborted();
    if (deadline.aborted) return `no end within ${timeout / 1_000} s`;
    return code === null ? `signal ${killedBy}` : `exit code ${code}`;
  } catch (error) {
    signal.throwIfAborted();
    return `not started: ${toError(error).message}`;
  } finally {
    stop.removeEventListener('abort', onStop);
  }
}

/** The inputs of the action hold secrets that are none of the command's business. */
function withoutInputs(env: HookOptions['env']): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(INPUT|STATE)_/i.test(name)));
}

async function lastLines(file: string): Promise<string> {
  const text = (await readFile(file, 'utf8')).replaceAll('\r\n', '\n').trimEnd();
  return text.length <= keptCharacters ? text : `…${text.slice(-keptCharacters)}`;
}
