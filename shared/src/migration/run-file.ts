import { GuardError } from '../errors/guard-error.ts';
import { deadlineAfter } from '../timing/deadline.ts';
import { changedNothing, describeEffects, noEffects } from './effects.ts';
import type { MigrationFile } from './files.ts';
import { interruptible, type Interrupted } from './interrupt.ts';
import { journalCollection, type JournalEntry } from './journal.ts';
import { lineText, placeOfFault } from './fault-place.ts';
import type { DoneFile, Failure, RunOptions } from './run-contract.ts';
import { warningsOf } from './run-warnings.ts';
import { settleCommit } from './settle.ts';
import type { CallResult, CommitMarker, Direction } from './worker/protocol.ts';

/** A direction and what the journal calls its failure. */
export interface Step {
  /** For people. */
  readonly verb: Direction | 'seed';
  readonly direction: Direction;
  readonly failed: 'FAILED' | 'ROLLBACK_FAILED';
}

export interface OneRun {
  readonly file: MigrationFile;
  readonly step: Step;
  /** Of all files together. */
  readonly timeout: AbortSignal | undefined;
  /** How many files are still to be run after this one. */
  readonly left: number;
}

type Ended = CallResult & { readonly interrupted?: GuardError; readonly milliseconds: number };

/** Runs one file and writes down how it began and how it failed; a success is for the caller to record. */
export async function runFile(options: RunOptions, run: OneRun): Promise<DoneFile | Failure> {
  const { file, step } = run;
  const begun = await begin(options, run);
  const ended = await settled(options, begun, await call(options, run, begun));
  const { effects, milliseconds, fault, interrupted } = ended;
  const observed = ended.observation === undefined ? {} : { observation: ended.observation };
  const { end } = ended.transaction ?? {};
  if (end !== 'committed' && (interrupted !== undefined || fault !== undefined)) {
    const error = interrupted ?? failedError(ended, run, options.project.workspace);
    const state = interrupted === undefined ? step.failed : 'INTERRUPTED';
    const entry = { file: file.name, state, hash: file.hash, effects, milliseconds, error: error.code, direction: step.direction } as const;
    if (error.code !== 'lock/lost' && end !== 'unknown') await options.journal.append(entry);
    return { file: file.name, error, effects, ...observed };
  }
  const warnings = warningsOf(ended, { printed: options.project.takeWarnings(), workspace: options.project.workspace });
  const done: DoneFile = {
    name: file.name,
    milliseconds,
    effects,
    warnings,
    inTransaction: end === 'committed',
    unawaited: ended.unawaited,
    ...observed,
  };
  return interrupted === undefined && fault === undefined
    ? done
    : { ...done, endsRun: interrupted ?? failedError(ended, run, options.project.workspace) };
}

/** Whether the file runs in a transaction: as the run says, unless the file itself says otherwise. */
export function isInTransaction({ transaction = 'none', loaded }: Pick<RunOptions, 'transaction' | 'loaded'>, name: string): boolean {
  return loaded?.get(name)?.transaction ?? transaction === 'per-file';
}

async function begin(options: RunOptions, { file, step }: OneRun): Promise<JournalEntry> {
  const { journal, project } = options;
  const inTransaction = step.direction === 'up' && isInTransaction(options, file.name);
  const entry = { file: file.name, state: 'STARTED', hash: file.hash, direction: step.direction } as const;
  const begun = await (inTransaction ? journal.begin(entry) : journal.append(entry));
  project.takeWarnings();
  return begun;
}

async function call(options: RunOptions, { file, step, timeout, left }: OneRun, begun: JournalEntry): Promise<Ended> {
  const { db, project, lock, log, signal, appName, fileTimeout, resume } = options;
  const { run, fence } = begun;
  const marker = markerOf(begun);
  const startedAt = performance.now();
  const outcome: Interrupted = await log.group(`${step.verb} ${file.name}`, () =>
    interruptible({
      worker: project.worker,
      question: {
        name: file.name,
        direction: step.direction,
        identity: {
          file: file.name,
          direction: step.direction,
          hash: file.hash,
          run,
          holder: lock.token.holder,
          fence,
          resume: resume?.has(file.name) ?? false,
        },
        throttle: options.throttle ?? defaultThrottle,
        ...(marker === undefined ? {} : { marker }),
      },
      client: db.client,
      appName,
      log,
      left,
      onBatch: options.onBatch,
      cancel: signal,
      lost: lock.lost,
      timeout,
      fileTimeout: fileTimeout === undefined ? undefined : deadlineAfter(fileTimeout),
    }),
  );
  return { ...outcome, milliseconds: Math.round(performance.now() - startedAt) };
}

const defaultThrottle = { maxLagMilliseconds: 10_000, minOplogWindowMilliseconds: 3_600_000 };

/** The transaction of a file ends with the journal's own entry that it has finished. */
function markerOf({ commit, at, ...begun }: JournalEntry): CommitMarker | undefined {
  if (commit === undefined) return undefined;
  return { collection: journalCollection, id: commit, entry: { ...begun, state: 'FINISHED', step: begun.step + 1, at: at.getTime() } };
}

/** A transaction whose end nobody told is asked for in the journal: its last entry is there, or from now on never will be. */
async function settled(options: RunOptions, begun: JournalEntry, ended: Ended): Promise<Ended> {
  if (begun.commit === undefined || ended.interrupted?.code === 'lock/lost') return ended;
  const known = ended.transaction?.end;
  if (known === 'committed' || known === 'aborted') return ended;
  const { db, log, now } = options;
  const end = await settleCommit(db, { ...begun, commit: begun.commit, step: begun.step + 1, at: now() });
  log.info(`The transaction of ${begun.file} was ${end}.`);
  const attempted = ended.transaction?.attempted ?? ended.effects;
  const transaction = { end, attempted, seconds: ended.transaction?.seconds ?? Math.round(ended.milliseconds / 1_000) };
  if (end === 'aborted') return { ...ended, effects: noEffects, transaction };
  const { fault: _answered, ...committed } = ended;
  return { ...committed, transaction };
}

function failedError({ fault, effects, transaction }: Ended, { file, step }: OneRun, workspace: string): GuardError {
  const place = fault === undefined ? undefined : placeOfFault(fault, workspace);
  const before =
    transaction?.end === 'aborted' && changedNothing(effects)
      ? `Its transaction was aborted: none of it is in the database (tried: ${describeEffects(transaction.attempted)})`
      : `Before that: ${describeEffects(effects)}`;
  const message = `${step.verb} of ${file.name}${lineText(place)} failed: ${fault?.message ?? ''}. ${before}.`;
  return new GuardError('migration/failed', message, {
    ...(place === undefined ? {} : { place }),
    ...(fault?.remedy === undefined ? {} : { remedy: fault.remedy }),
  });
}
