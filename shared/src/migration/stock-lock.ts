import { ObjectId, type Db } from 'mongodb';
import { GuardError } from '../errors/guard-error.ts';
import { fromMongoError } from '../errors/mongo-errors.ts';

export interface StockLockOptions {
  readonly db: Db;
  /** `lockCollectionName` of migrate-mongo's configuration. */
  readonly collection: string;
  /** Its `lockTtl`, seconds; absent: locks do not expire. */
  readonly ttl: number | undefined;
}

export interface StockLock {
  /** Keeps migrate-mongo's TTL index from removing our document, and puts it back when somebody cleared the collection. */
  refresh(): Promise<void>;
  release(): Promise<void>;
}

interface StockDocument {
  readonly _id: ObjectId;
  readonly createdAt: Date;
}

/**
 * Holds a document in migrate-mongo's own lock collection, so that a stock migrate-mongo stays out while we run. Only useful under our own
 * lock: theirs is checked first and inserted afterwards. Never makes its TTL index. Throws `lock/held`.
 */
export async function acquireStockLock({ db, collection, ttl }: StockLockOptions): Promise<StockLock> {
  const locks = db.collection<StockDocument>(collection, { writeConcern: { w: 'majority' } });
  const _id = new ObjectId();
  const live = ttl === undefined ? {} : { $expr: { $gt: ['$createdAt', { $subtract: ['$$NOW', ttl * 1_000] }] } };
  const refresh = async (): Promise<void> => {
    await locks.updateOne({ _id }, { $currentDate: { createdAt: true } }, { upsert: true });
  };
  try {
    await refresh();
    if ((await locks.countDocuments({ _id: { $ne: _id }, ...live })) > 0) {
      await locks.deleteOne({ _id });
      throw new GuardError('lock/held', `A migrate-mongo run holds its lock in ${db.databaseName}.${collection}.`, {
        remedy: `Wait for that run to end. If it was killed, empty the collection ${collection}.`,
      });
    }
  } catch (error) {
    throw fromMongoError(error, `Taking migrate-mongo's lock in ${db.databaseName}.${collection}`);
  }
  return { refresh, release: async () => void (await locks.deleteOne({ _id })) };
}
