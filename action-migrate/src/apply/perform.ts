import { runCommands, type CommandsResult } from '@migration-guard/shared/migration/commands/run-commands';
import { openJournal, type Journal, type JournalEntry } from '@migration-guard/shared/migration/journal';
import { runSeeds, runUp } from '@migration-guard/shared/migration/run';
import type { Failure, RunOptions, RunResult } from '@migration-guard/shared/migration/run-contract';
import type { CreatedPoint } from '@migration-guard/shared/rollback/point';
import { appNameOf } from '../identity.ts';
import type { UndoRecord } from './undo-record.ts';
import type { Admitted, Work } from './work.ts';

/** What was made ready before the first write. */
export interface Prepared {
  /** Under way, where files were loaded before. */
  readonly connecting: Promise<void> | undefined;
  readonly point: CreatedPoint;
  readonly undo: UndoRecord;
}

/** How each part of a run ended. Nothing runs behind a failure. */
export interface Performed {
  readonly files: RunResult;
  readonly commands: CommandsResult;
  readonly seeds: RunResult;
  readonly failure: Failure | undefined;
}

/** Records what had ended in an earlier run, then runs the files, the commands and the seeds. The outputs `applied` and `pending` follow each. */
export async function perform(work: Work, admitted: Admitted, { connecting, point: { point }, undo }: Prepared): Promise<Performed> {
  const { context, project, target, lock } = work;
  const { now, run } = context;
  const inWorker = admitted.files.length + admitted.seeds.length > 0;
  const unrecorded = undo.begin === undefined;
  const journal = openJournal({ db: target.db, lock, run: run.url, now, rollbackPoint: point.id, unrecorded });
  const tell = tellOutputs(work, admitted);
  for (const entry of admitted.finished) {
    await recordFinished(work, journal, entry);
    tell(entry.file);
  }
  if (inWorker) await (connecting ?? connectMigrations(work));
  const record = await undo.begin?.();
  if (record !== undefined && inWorker) await project.recordWrites(record.add);
  const performed = await performAll(work, admitted, { journal, tell });
  await record?.end(performed.failure === undefined);
  return performed;
}

/** Connects the process of the migrations to the target. Throws `migration/worker-failed`. */
export function connectMigrations({ project, target, lock }: Work): Promise<void> {
  return project.connect({ uri: target.uri.reveal(), database: target.database, appName: appNameOf(lock.token) });
}

interface Telling {
  readonly journal: Journal;
  /** Hears the name of everything that ended well. */
  readonly tell: (name: string) => void;
}

async function performAll(work: Work, admitted: Admitted, telling: Telling): Promise<Performed> {
  const { files, commands, seeds } = admitted;
  const until = work.inputs.timeout === undefined ? undefined : performance.now() + work.inputs.timeout;
  const left = (): number | undefined => (until === undefined ? undefined : Math.max(0, until - performance.now()));
  const filesEnded = await runUp({ ...runOptions(work, admitted, telling), files, timeout: left() });
  const afterFiles = filesEnded.failure === undefined;
  const commandsEnded = await runCommands({ ...commandOptions(work, telling), commands: afterFiles ? commands : [], timeout: left() });
  const failedCommand = failureOf(commandsEnded);
  const afterCommands = afterFiles && failedCommand === undefined;
  const seedsEnded = await runSeeds({ ...runOptions(work, admitted, telling), files: afterCommands ? seeds : [], timeout: left() });
  const failure = filesEnded.failure ?? failedCommand ?? seedsEnded.failure;
  return { files: filesEnded, commands: commandsEnded, seeds: seedsEnded, failure };
}

function failureOf({ failure, stopped }: CommandsResult): Failure | undefined {
  if (failure !== undefined) return { file: failure.name, error: failure.error };
  return stopped === undefined ? undefined : { error: stopped };
}

function runOptions(
  { context, project, target, lock, inputs }: Work,
  { loaded, resume }: Admitted,
  { journal, tell }: Telling,
): Omit<RunOptions, 'files' | 'timeout'> {
  const { now, log, signal } = context;
  const { batch } = context.settings;
  return {
    db: target.db,
    project,
    journal,
    lock,
    appName: appNameOf(lock.token),
    log,
    now,
    signal,
    fileTimeout: inputs.fileTimeout,
    transaction: inputs.transaction,
    throttle: { maxLagMilliseconds: batch['max-lag'], minOplogWindowMilliseconds: batch['min-oplog-window'] },
    loaded,
    resume,
    onDone: ({ name }) => tell(name),
  };
}

function commandOptions(
  { context, target, lock }: Work,
  { journal, tell: onDone }: Telling,
): Omit<Parameters<typeof runCommands>[0], 'commands' | 'timeout'> {
  const { workspace, env, log, signal } = context;
  return { db: target.db, uri: target.uri, appName: appNameOf(lock.token), journal, lock, workspace, env, log, signal, onDone };
}

function tellOutputs({ context }: Work, { pending: all }: Admitted): (name: string) => void {
  const applied: string[] = [];
  return (name) => {
    applied.push(name);
    context.setOutput('applied', applied);
    context.setOutput(
      'pending',
      all.filter((pending) => !applied.includes(pending)),
    );
  };
}

async function recordFinished({ project, target, lock, context }: Work, journal: Journal, entry: JournalEntry): Promise<void> {
  const { file, hash, at, run } = entry;
  await lock.confirm();
  const fileHash = project.config.useFileHash === true && hash !== undefined ? { fileHash: hash } : {};
  await project.history.recordApplied(target.db, { fileName: file, ...fileHash, appliedAt: at, migrationBlock: at.getTime() });
  await journal.append({ file, state: 'APPLIED', ...(hash === undefined ? {} : { hash }) });
  context.log.notice(`${file} had ended in ${run} and was only not recorded; it is recorded now and was not run again.`);
}
