import type { Db } from 'mongodb';
import { GuardError } from '../errors/guard-error.ts';
import type { Log } from '../log/log.ts';
import { deadlineAfter } from '../timing/deadline.ts';
import { describeEffects, type Effects } from './effects.ts';
import type { MigrationFile } from './files.ts';
import { interruptible } from './interrupt.ts';
import type { Journal } from './journal.ts';
import type { Lock } from './lock.ts';
import { lineText, placeOfFault, type Project } from './project.ts';
import type { CallResult, Direction } from './worker/protocol.ts';

export interface RunOptions {
  readonly db: Db;
  readonly project: Project;
  readonly files: readonly MigrationFile[];
  readonly journal: Journal;
  readonly lock: Pick<Lock, 'confirm' | 'lost'>;
  readonly appName: string;
  readonly log: Log;
  readonly now: () => Date;
  readonly signal: AbortSignal;
  /** For all files together, milliseconds. */
  readonly timeout?: number | undefined;
  /** Called after each file that ended well and is recorded. */
  readonly onDone?: (done: DoneFile) => void | Promise<void>;
}

export interface DoneFile {
  readonly name: string;
  readonly milliseconds: number;
  readonly effects: Effects;
  /** What deserves a look although the file succeeded. */
  readonly warnings: readonly string[];
}

export interface RunResult {
  readonly done: readonly DoneFile[];
  /** Why the run ended before the last file; the history holds exactly the files of `done`. */
  readonly failure?: { readonly file?: string; readonly error: GuardError; readonly effects?: Effects };
}

interface Step {
  readonly direction: Direction;
  readonly started: 'STARTED';
  readonly failed: 'FAILED' | 'ROLLBACK_FAILED';
}

const up: Step = { direction: 'up', started: 'STARTED', failed: 'FAILED' };
const down: Step = { direction: 'down', started: 'STARTED', failed: 'ROLLBACK_FAILED' };

/** Runs `up` of the files in their order and records each as applied. A failure is a result: nothing after it runs. */
export async function runUp(options: RunOptions): Promise<RunResult> {
  const { db, project, journal, lock, now } = options;
  const migrationBlock = now().getTime();
  return runAll(options, up, async ({ name, hash }, { effects, milliseconds }) => {
    await journal.append({ file: name, state: 'FINISHED', hash, effects, milliseconds });
    await lock.confirm();
    const fileHash = project.config.useFileHash === true ? { fileHash: hash } : {};
    await project.history.recordApplied(db, { fileName: name, ...fileHash, appliedAt: now(), migrationBlock });
    await journal.append({ file: name, state: 'APPLIED', hash, effects, milliseconds });
  });
}

/** Runs `down` of the files in the given order (the newest first) and takes each out of the history. */
export async function runDown(options: RunOptions): Promise<RunResult> {
  const { db, project, journal, lock } = options;
  return runAll(options, down, async ({ name, hash }, { effects, milliseconds }) => {
    await lock.confirm();
    await project.history.recordReverted(db, name);
    await journal.append({ file: name, state: 'ROLLED_BACK', hash, effects, milliseconds });
  });
}

type Record = (file: MigrationFile, done: DoneFile) => Promise<void>;

async function runAll(options: RunOptions, step: Step, record: Record): Promise<RunResult> {
  const done: DoneFile[] = [];
  const timeout = options.timeout === undefined ? undefined : deadlineAfter(options.timeout);
  for (const file of options.files) {
    if (options.signal.aborted) return { done, failure: { error: options.signal.reason as GuardError } };
    const ended = await runAndRecord(options, step, { file, timeout, record }).catch((error: unknown) => {
      if (error instanceof GuardError) return { file: file.name, error };
      throw error;
    });
    if ('error' in ended) return { done, failure: ended };
    done.push(ended);
    options.log.info(`${step.direction} ${file.name}: ${seconds(ended.milliseconds)}, ${describeEffects(ended.effects)}`);
    await options.onDone?.(ended);
  }
  return { done };
}

interface One {
  readonly file: MigrationFile;
  readonly timeout: AbortSignal | undefined;
  readonly record: Record;
}

type Failure = NonNullable<RunResult['failure']>;

async function runAndRecord(options: RunOptions, step: Step, { file, timeout, record }: One): Promise<DoneFile | Failure> {
  const { outcome, milliseconds } = await runOne(options, step, { file, timeout });
  const { fault, effects } = outcome;
  if (outcome.interrupted !== undefined || fault !== undefined) {
    const error = outcome.interrupted ?? failedError({ file, step, outcome, workspace: options.project.workspace });
    const state = outcome.interrupted === undefined ? step.failed : 'INTERRUPTED';
    const { code } = error;
    if (code !== 'lock/lost') await options.journal.append({ file: file.name, state, hash: file.hash, effects, milliseconds, error: code });
    return { file: file.name, error, effects };
  }
  const done = { name: file.name, milliseconds, effects, warnings: warningsOf(outcome, options.project.takeWarnings()) };
  await record(file, done);
  return done;
}

type RanOutcome = CallResult & { readonly interrupted?: GuardError };

async function runOne(
  options: RunOptions,
  step: Step,
  { file, timeout }: { readonly file: MigrationFile; readonly timeout: AbortSignal | undefined },
): Promise<{ readonly outcome: RanOutcome; readonly milliseconds: number }> {
  const { db, project, journal, lock, log, signal, appName } = options;
  await journal.append({ file: file.name, state: step.started, hash: file.hash });
  project.takeWarnings();
  const startedAt = performance.now();
  const outcome = await log.group(`${step.direction} ${file.name}`, () =>
    interruptible({
      worker: project.worker,
      question: { name: file.name, direction: step.direction },
      client: db.client,
      appName,
      log,
      cancel: signal,
      lost: lock.lost,
      timeout,
    }),
  );
  return { outcome, milliseconds: Math.round(performance.now() - startedAt) };
}

interface Failed {
  readonly file: MigrationFile;
  readonly step: Step;
  readonly outcome: CallResult;
  readonly workspace: string;
}

function failedError({ file, step, outcome, workspace }: Failed): GuardError {
  const { fault, effects } = outcome;
  const place = fault === undefined ? undefined : placeOfFault(fault, workspace);
  const message = `${step.direction} of ${file.name}${lineText(place)} failed: ${fault?.message ?? ''}. Before that: ${describeEffects(effects)}.`;
  return new GuardError('migration/failed', message, {
    ...(place === undefined ? {} : { place }),
    ...(fault?.remedy === undefined ? {} : { remedy: fault.remedy }),
  });
}

function warningsOf({ unawaited, effects }: CallResult, printed: readonly string[]): readonly string[] {
  const shown = printed.slice(0, 5).map((line) => `It printed to stderr: ${line.slice(0, 200)}`);
  return [
    ...(unawaited === 0 ? [] : [`${unawaited} writes were still under way when it returned: an await is missing. They were waited for.`]),
    ...(effects.writeErrors === 0 ? [] : [`${effects.writeErrors} writes failed, and it went on.`]),
    ...shown,
    ...(printed.length > shown.length ? [`It printed ${printed.length - shown.length} more lines to stderr.`] : []),
  ];
}

/** For people: `1.2 s`. */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
}
