import { openJournal, type JournalEntry } from '@migration-guard/shared/migration/journal';
import { runUp, type RunResult } from '@migration-guard/shared/migration/run';
import type { CreatedPoint } from '@migration-guard/shared/rollback/point';
import { appNameOf } from '../identity.ts';
import type { UndoRecord } from './undo-record.ts';
import type { Admitted, Work } from './work.ts';

/** What was made ready before the first write. */
export interface Prepared {
  readonly point: CreatedPoint;
  readonly undo: UndoRecord;
}

/** Records what had ended in an earlier run, then runs the files. The outputs `applied` and `pending` follow each file. */
export async function perform(
  work: Work,
  { decision, files, loaded, finished, resume }: Admitted,
  { point: { point }, undo }: Prepared,
): Promise<RunResult> {
  const { context, project, target, lock, inputs } = work;
  const { now, log, signal } = context;
  const { batch } = context.settings;
  const journal = openJournal({ db: target.db, lock, run: context.run.url, now, rollbackPoint: point.id });
  const applied: string[] = [];
  const tell = (name: string): void => {
    applied.push(name);
    context.setOutput('applied', applied);
    context.setOutput(
      'pending',
      decision.pending.map((file) => file.name).filter((pending) => !applied.includes(pending)),
    );
  };
  for (const entry of finished) {
    await recordFinished(work, entry);
    await journal.append({ file: entry.file, state: 'APPLIED', ...(entry.hash === undefined ? {} : { hash: entry.hash }) });
    log.notice(`${entry.file} had ended in ${entry.run} and was only not recorded; it is recorded now and was not run again.`);
    tell(entry.file);
  }
  const appName = appNameOf(lock.token);
  await project.connect({ uri: target.uri.reveal(), database: target.database, appName, recordWrites: true });
  const recorder = await undo.begin();
  project.worker.followWrites(recorder.add);
  const result = await runUp({
    db: target.db,
    project,
    files,
    journal,
    lock,
    appName,
    log,
    now,
    signal,
    timeout: inputs.timeout,
    fileTimeout: inputs.fileTimeout,
    transaction: inputs.transaction,
    throttle: { maxLagMilliseconds: batch['max-lag'], minOplogWindowMilliseconds: batch['min-oplog-window'] },
    loaded,
    resume,
    onDone: ({ name }) => tell(name),
  });
  await undo.end(recorder, result.failure === undefined);
  return result;
}

async function recordFinished({ project, target, lock }: Work, { file, hash, at }: JournalEntry): Promise<void> {
  await lock.confirm();
  const fileHash = project.config.useFileHash === true && hash !== undefined ? { fileHash: hash } : {};
  await project.history.recordApplied(target.db, { fileName: file, ...fileHash, appliedAt: at, migrationBlock: at.getTime() });
}
