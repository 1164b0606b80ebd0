import { openStoreOf } from '@migration-guard/shared/action/store-access';
import { resolveBackupId } from '@migration-guard/shared/backup/list';
import { readManifest } from '@migration-guard/shared/backup/manifest';
import type { BackupStore } from '@migration-guard/shared/backup/store';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import type { Lock } from '@migration-guard/shared/migration/lock';
import type { Census } from '@migration-guard/shared/mongo/census';
import { attribute, type Attribution } from '@migration-guard/shared/rollback/attribution';
import { censusOfBackup } from '@migration-guard/shared/rollback/backup-census';
import { readWritesSince } from '@migration-guard/shared/rollback/writes-since';
import type { RollbackContext, RollbackInputs } from './contract.ts';
import type { Records } from './record.ts';
import type { Subject } from './subject.ts';

export interface ChosenBackup {
  readonly store: BackupStore;
  readonly id: string;
  readonly census: Census;
}

/** All that the rungs look at. */
export interface Situation {
  readonly subject: Subject;
  readonly inputs: RollbackInputs;
  readonly context: RollbackContext;
  readonly records: Records;
  /** Held while something may be written; `undefined` for a plan. */
  readonly lock: Lock | undefined;
  /** Aborted on cancel and when the lock is lost. */
  readonly signal: AbortSignal;
  /** Closed at the end of the run. */
  readonly resources: AsyncDisposableStack;
}

/** Whose the writes since the point are, as the oplog tells it now. */
export async function attributeWrites({ subject, records, signal }: Situation): Promise<Attribution> {
  const { client, database, point } = subject;
  const since = await readWritesSince({ client, database, clusterTime: point.clusterTime, signal });
  return attribute({ since, files: records.touched, changelog: point.changelog ?? 'changelog' });
}

/** The backup that is to be restored from, or why there is none. */
export type BackupChoice = { readonly backup: ChosenBackup } | { readonly missing: GuardError };

/** Finds the backup that the inputs or the rollback point name. A store that cannot be read is told, not thrown: other rungs do without. */
export async function chooseBackup({ subject, inputs, context }: Situation): Promise<BackupChoice> {
  const { point, database } = subject;
  const named = inputs.store ?? point.backup?.store;
  if (named === undefined) return { missing: new GuardError('rollback/no-backup', `The rollback point ${point.id} names no backup.`) };
  try {
    const store = await openStoreOf(named, inputs, context);
    const id = await resolveBackupId(store, inputs.backupId ?? point.backup?.id ?? 'latest');
    return { backup: { store, id, census: censusOfBackup(await readManifest(store, id), database) } };
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof GuardError) return { missing: error };
    throw error;
  }
}
