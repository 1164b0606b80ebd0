import { restoreBackup } from '../../backup/restore.ts';
import { GuardError } from '../../errors/guard-error.ts';
import { recordUndoSession } from '../../migration/writes-record.ts';
import { assess, type Assessed } from './assess.ts';
import { pendingDocuments, putBackOf, wantedOf } from './assess-documents.ts';
import { finishDefinitions, prepareDefinitions, type DefinitionWork } from './carry-out-definitions.ts';
import type { DocumentHistory } from './history.ts';
import type { Observed } from './observed.ts';
import { putDocumentsBack } from './put-documents-back.ts';
import { endSessions, stopMigrations } from './still-running.ts';
import { unknownState } from './touch.ts';
import type { UndoOptions } from './contract.ts';
import type { PutBack } from './write-back.ts';

/** Puts everything back. Every part looks at what is there now, so it can be cut off anywhere and done again. */
export async function carryOut(options: UndoOptions, observed: Observed): Promise<void> {
  const { client, point, log, lock, backup } = options;
  if (lock === undefined) throw new GuardError('lock/lost', `The lock of ${point.database} is not held.`);
  const signal = AbortSignal.any([options.signal, lock.lost]);
  const work: DefinitionWork = {
    db: client.db(point.database),
    log,
    confirm: async () => {
      signal.throwIfAborted();
      await lock.confirm();
    },
  };
  await work.confirm();
  await stopMigrations(client, { database: point.database, log, signal });
  await endSessions(client, observed.record.undoSessions, log);
  await observed.settle();
  const first = await assessNow(options, observed);
  refuseConflicts(options, first);
  if (first.plan.restores.length > 0 && backup !== undefined) {
    const only = first.plan.restores.map(({ name }) => `${point.database}.${name}`);
    await work.confirm();
    await restoreBackup({ client, store: backup.store, backupId: backup.id, only, drop: true, log, signal });
  }
  await prepareDefinitions(first.plan, work);
  const moved = first.plan.renames.length > 0 || first.plan.restores.length > 0;
  await putAllBack({ ...options, signal }, observed, { work, assessed: moved ? await assessNow(options, observed) : first });
  const last = await assessNow(options, observed);
  await finishDefinitions(last.plan, work);
}

async function assessNow(options: UndoOptions, observed: Observed): Promise<Assessed> {
  await observed.refresh();
  const assessed = await assess(options, observed);
  if (typeof assessed === 'string')
    throw new GuardError('rollback/undo-incomplete', `The undo of ${options.point.database} is not possible (any more): ${assessed}.`);
  return assessed;
}

function refuseConflicts({ conflicts: choice, point }: UndoOptions, { conflicts }: Assessed): void {
  const [first] = conflicts;
  if (choice !== 'fail' || first === undefined) return;
  const more = conflicts.length > 1 ? ` (and ${conflicts.length - 1} more kinds)` : '';
  throw new GuardError(
    'rollback/conflicts',
    `${first.documents} documents of ${point.database}.${first.collection} are in conflict: ${first.why}${more}. Nothing of the documents was put back.`,
  );
}

interface PuttingBack {
  readonly work: DefinitionWork;
  /** By the names that collections have now. */
  readonly assessed: Assessed;
}

async function putAllBack(options: UndoOptions, observed: Observed, { work, assessed }: PuttingBack): Promise<void> {
  const { point, conflicts: choice, log, signal, run } = options;
  const left = new Map<DocumentHistory, string>();
  const wanted = (history: DocumentHistory): PutBack | 'skip' => {
    const found = wantedOf(observed, history, { choice, older: assessed.older });
    if (found === undefined || (found !== unknownState && found.leave === true)) return 'skip';
    if (found === unknownState) {
      left.set(history, 'its earlier state is not known');
      return 'skip';
    }
    if (found.conflict === undefined || choice !== 'fail') return putBackOf(history, found);
    left.set(history, found.conflict);
    return 'skip';
  };
  await putDocumentsBack({
    db: work.db,
    observed,
    pending: () => pendingDocuments(observed, assessed.catalog, assessed.plan),
    wanted,
    total: assessed.documents,
    confirm: work.confirm,
    announce: (session) => recordUndoSession(work.db, { run, session }),
    log,
    signal,
  });
  const [why] = left.values();
  if (why === undefined) return;
  throw new GuardError(
    'rollback/conflicts',
    `${left.size} documents of ${point.database} came into conflict while the others were put back: ${why}.`,
  );
}
