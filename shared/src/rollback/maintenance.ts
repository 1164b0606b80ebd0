import type { Db } from 'mongodb';
import { fromMongoError } from '../errors/mongo-errors.ts';

export const maintenanceCollection = 'migration_maintenance';

/** What an application reads to know that it must not write. */
interface MaintenanceDocument {
  readonly _id: 'maintenance';
  readonly on: boolean;
  /** By the clock of the server. */
  readonly since: Date;
  /** URL of the run. */
  readonly by: string;
}

/** Raises or lowers the maintenance flag of a database, confirmed by a majority. Safe to call twice. */
export async function setMaintenance(db: Db, on: boolean, by: string): Promise<void> {
  try {
    await db
      .collection<MaintenanceDocument>(maintenanceCollection, { writeConcern: { w: 'majority' } })
      .updateOne({ _id: 'maintenance' }, [{ $set: { on, since: '$$NOW', by: { $literal: by } } }], { upsert: true });
  } catch (error) {
    throw fromMongoError(error, `${on ? 'Raising' : 'Lowering'} the maintenance flag of ${db.databaseName}`);
  }
}
