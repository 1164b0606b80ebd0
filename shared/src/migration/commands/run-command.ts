import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandSettings } from '../../config/migrate.ts';
import { launchWatchdog } from '../../embedded/watchdog.ts';
import { toError } from '../../errors/guard-error.ts';
import type { Log } from '../../log/log.ts';
import { endGroup, isGroupAlive, killGroup } from '../../programs/end-group.ts';
import { findProgram } from '../../programs/find-program.ts';
import { derivedForms } from '../../redaction/derived-forms.ts';
import { redact } from '../../redaction/redact.ts';

export interface CommandOptions {
  readonly command: CommandSettings;
  /** Absolute path of the folder in which it runs. */
  readonly folder: string;
  /** Its connection string: never on its command line, never in its output. */
  readonly uri: string;
  readonly database: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Ends it with everything that it started: it is asked first, and killed after five seconds. */
  readonly stop: AbortSignal;
  /** Kills it at once. */
  readonly kill: AbortSignal;
  /** For people: what comes after it. */
  readonly left: string;
}

export interface CommandEnd {
  /** For example `exit code 0`. */
  readonly ending: string;
  /** Its last lines. */
  readonly output: readonly string[];
  readonly milliseconds: number;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

const progressMilliseconds = 10_000;
/** How long its last lines may take to arrive after its end. */
const drainMilliseconds = 1_000;
const keptLines = 20;

/**
 * Runs a command of a team to its end, in a process group of its own, each line in a group of the log as it comes. Nothing of the group
 * outlives it or this process, however that ends. Never throws.
 */
export async function runCommand(options: CommandOptions): Promise<CommandEnd> {
  const { command, log, left } = options;
  const startedAt = performance.now();
  const elapsed = (): number => Math.round(performance.now() - startedAt);
  const progress = setInterval(
    () => log.info(`… ${command.name} is running for ${Math.round(elapsed() / 1_000)} s; ${left}`),
    progressMilliseconds,
  );
  try {
    const output: string[] = [];
    const ending = await log.group(`command ${command.name}`, () => run(options, (line) => keep(output, line)));
    return { ending, output, milliseconds: elapsed() };
  } finally {
    clearInterval(progress);
  }
}

function keep(output: string[], line: string): void {
  output.push(line);
  if (output.length > keptLines) output.shift();
}

async function run(options: CommandOptions, onLine: (line: string) => void): Promise<string> {
  const { uri, log, stop, kill } = options;
  const child = await start(options);
  const forms = derivedForms(uri);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      const shown = redact(line, forms);
      onLine(shown);
      // The prefix keeps the runner from taking a line of the output for a command of ours.
      log.info(`│ ${shown}`);
    });
  }
  const watchdog = child.pid === undefined || process.platform === 'win32' ? undefined : launchWatchdog(-child.pid, undefined);
  const onStop = (): void => void endGroup(child);
  const onKill = (): void => killGroup(child);
  stop.addEventListener('abort', onStop, { once: true });
  kill.addEventListener('abort', onKill, { once: true });
  if (stop.aborted) onStop();
  if (kill.aborted) onKill();
  try {
    return await endOf(child, log);
  } finally {
    stop.removeEventListener('abort', onStop);
    kill.removeEventListener('abort', onKill);
    watchdog?.kill('SIGINT');
  }
}

async function endOf(child: Child, log: Log): Promise<string> {
  const closed = once(child, 'close').catch(() => undefined);
  try {
    const [code, killedBy] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    if (isGroupAlive(child)) {
      log.warning('The command left processes behind; they are ended, for the lock is given back after it.');
      killGroup(child);
    }
    await Promise.race([closed, sleep(drainMilliseconds, undefined, { ref: false })]);
    return code === null ? `signal ${killedBy}` : `exit code ${code}`;
  } catch (error) {
    return `no start: ${toError(error).message}`;
  }
}

/** By the shell that runs the steps of GitHub: it stops at the first command that fails. */
async function start({ command, folder, uri, database, env }: CommandOptions): Promise<Child> {
  const options = {
    cwd: folder,
    env: { ...withoutInputs(env), [command['uri-variable']]: uri, [command['database-variable']]: database },
    stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  };
  if (process.platform === 'win32') return spawn(command.command, { ...options, shell: true });
  const bash = await findProgram({ name: 'bash', env }).catch(() => undefined);
  return bash === undefined
    ? spawn('sh', ['-e', '-c', command.command], options)
    : spawn(bash, ['-eo', 'pipefail', '-c', command.command], options);
}

/** The inputs of the action hold secrets that are none of the command's business. */
function withoutInputs(env: CommandOptions['env']): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(INPUT|STATE)_|^ACTIONS_.*TOKEN$/i.test(name)));
}
