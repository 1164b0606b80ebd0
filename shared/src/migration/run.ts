import { GuardError } from '../errors/guard-error.ts';
import { deadlineAfter } from '../timing/deadline.ts';
import { describeEffects } from './effects.ts';
import type { MigrationFile } from './files.ts';
import type { DoneFile, Failure, RunOptions, RunResult } from './run-contract.ts';
import { runFile, type OneRun, type Step } from './run-file.ts';

const up: Step = { verb: 'up', direction: 'up', failed: 'FAILED' };
const down: Step = { verb: 'down', direction: 'down', failed: 'ROLLBACK_FAILED' };
const seed: Step = { verb: 'seed', direction: 'up', failed: 'FAILED' };

/** Runs `up` of the files in their order and records each as applied. A failure is a result: nothing after it runs. */
export async function runUp(options: RunOptions): Promise<RunResult> {
  const { db, project, journal, lock, now } = options;
  const migrationBlock = now().getTime();
  return runAll(options, up, async ({ name, hash }, { effects, milliseconds, inTransaction }) => {
    // The transaction of the file has written this entry already.
    if (!inTransaction) await journal.append({ file: name, state: 'FINISHED', hash, effects, milliseconds });
    await lock.confirm();
    const fileHash = project.config.useFileHash === true ? { fileHash: hash } : {};
    await project.history.recordApplied(db, { fileName: name, ...fileHash, appliedAt: now(), migrationBlock });
    await journal.append({ file: name, state: 'APPLIED', hash, effects, milliseconds });
  });
}

/** Runs `down` of the files in the given order (the newest first) and takes each out of the history. Never in a transaction. */
export async function runDown(options: RunOptions): Promise<RunResult> {
  const { db, project, journal, lock } = options;
  return runAll(options, down, async ({ name, hash }, { effects, milliseconds }) => {
    await lock.confirm();
    await project.history.recordReverted(db, name);
    await journal.append({ file: name, state: 'ROLLED_BACK', hash, effects, milliseconds, direction: 'down' });
  });
}

/** Runs seeds in the given order. They are in no history: the journal says with which content each ran to its end. */
export async function runSeeds(options: RunOptions): Promise<RunResult> {
  const { journal } = options;
  return runAll(options, seed, async ({ name, hash }, { effects, milliseconds }) => {
    await journal.append({ file: name, state: 'APPLIED', hash, effects, milliseconds });
  });
}

type Record = (file: MigrationFile, done: DoneFile) => Promise<void>;

async function runAll(options: RunOptions, step: Step, record: Record): Promise<RunResult> {
  const { files, signal, log } = options;
  const done: DoneFile[] = [];
  const timeout = options.timeout === undefined ? undefined : deadlineAfter(options.timeout);
  for (const [index, file] of files.entries()) {
    if (signal.aborted) return { done, failure: { error: signal.reason as GuardError } };
    if (timeout?.aborted === true) return { done, failure: { error: timeIsUp(file.name) } };
    const ended = await runAndRecord(options, { file, step, timeout, left: files.length - index - 1 }, record);
    if ('error' in ended) return { done, failure: ended };
    done.push(ended);
    log.info(`${step.verb} ${file.name}: ${seconds(ended.milliseconds)}, ${describeEffects(ended.effects)}`);
    await options.onDone?.(ended);
    if (ended.endsRun !== undefined) return { done, failure: { error: ended.endsRun } };
  }
  return { done };
}

/** What ends a run between two steps. */
export function timeIsUp(name: string): GuardError {
  return new GuardError('run/timeout', `The time limit of all (\`timeout\`) was over before ${name} was begun.`);
}

async function runAndRecord(options: RunOptions, run: OneRun, record: Record): Promise<DoneFile | Failure> {
  try {
    const ended = await runFile(options, run);
    if (!('error' in ended)) await record(run.file, ended);
    return ended;
  } catch (error) {
    if (error instanceof GuardError) return { file: run.file.name, error };
    throw error;
  }
}

/** For people: `1.2 s`. */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
}
