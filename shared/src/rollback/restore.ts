import type { MongoClient } from 'mongodb';
import { restoreBackup } from '../backup/restore.ts';
import type { BackupStore } from '../backup/store.ts';
import { GuardError } from '../errors/guard-error.ts';
import { fromMongoError } from '../errors/mongo-errors.ts';
import type { Log } from '../log/log.ts';
import type { Lock } from '../migration/lock.ts';
import type { RestorePlan } from './plan.ts';

export interface CarryOutOptions {
  readonly client: MongoClient;
  readonly database: string;
  /** From which collections are restored; `undefined` when there is no backup. */
  readonly backup: { readonly store: BackupStore; readonly id: string } | undefined;
  readonly lock: Pick<Lock, 'confirm'>;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Does the steps of a plan under the lock: first all restores, of which none shows before all are loaded and proven, then the drops. Throws
 * `rollback/no-backup`, `lock/lost`, and as `restoreBackup`.
 */
export async function carryOut(plan: Pick<RestorePlan, 'steps'>, options: CarryOutOptions): Promise<void> {
  const { client, database, backup, lock, log, signal } = options;
  const only = plan.steps.flatMap(({ kind, collection }) => (kind === 'restore' ? [`${database}.${collection}`] : []));
  if (only.length > 0) {
    if (backup === undefined) throw new GuardError('rollback/no-backup', `There is no backup to restore ${only[0]} from.`);
    await lock.confirm();
    await restoreBackup({ client, store: backup.store, backupId: backup.id, only, drop: true, log, signal });
  }
  for (const { kind, collection } of plan.steps) {
    if (kind !== 'drop') continue;
    signal.throwIfAborted();
    await lock.confirm();
    log.info(`Dropping ${database}.${collection}`);
    await drop(client, database, collection);
  }
}

async function drop(client: MongoClient, database: string, collection: string): Promise<void> {
  try {
    await client.db(database).dropCollection(collection, { writeConcern: { w: 'majority' } });
  } catch (error) {
    throw fromMongoError(error, `Dropping ${database}.${collection}`);
  }
}
