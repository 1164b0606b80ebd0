import type { Db, MongoClient, Timestamp } from 'mongodb';
import type { Log } from '../../log/log.ts';
import type { CollectionSize, OplogMeasures, TargetMeasures } from './forecast.ts';

const pings = 5;

/**
 * Asks the target how large its collections are, how long an answer takes and how far its oplog reaches. It only reads; what the user may
 * not read is left out and said.
 */
export async function measureTarget(db: Db, log: Log): Promise<TargetMeasures> {
  const names = (await db.listCollections({ type: { $ne: 'view' } }, { nameOnly: true }).toArray()).map(({ name }) => name);
  return {
    sizes: await sizesOf(
      db,
      names.filter((name) => !name.startsWith('system.')),
    ),
    roundTrip: await roundTripOf(db),
    oplog: await oplogOf(db.client).catch(() => {
      log.info('The user may not read the oplog of the target: its window is not part of the forecast.');
      return undefined;
    }),
  };
}

/** Documents and bytes of collections, by name. */
export async function sizesOf(db: Db, names: readonly string[]): Promise<ReadonlyMap<string, CollectionSize>> {
  const sizes = new Map<string, CollectionSize>();
  for (const name of names) {
    const [stats] = await db
      .collection(name)
      .aggregate<{ count: number; size: number }>([...countAndSize])
      .toArray();
    if (stats !== undefined) sizes.set(name, { documents: stats.count, bytes: stats.size });
  }
  return sizes;
}

const countAndSize = [
  { $collStats: { storageStats: {} } },
  { $group: { _id: null, count: { $sum: '$storageStats.count' }, size: { $sum: '$storageStats.size' } } },
] as const;

async function roundTripOf(db: Db): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < pings; count++) {
    const startedAt = performance.now();
    await db.command({ ping: 1 });
    times.push(performance.now() - startedAt);
  }
  return times.sort((a, b) => a - b)[Math.floor(pings / 2)] ?? 0;
}

/** An oplog that is not full yet reaches as far back as it will at the rate of until now. */
async function oplogOf(client: MongoClient): Promise<OplogMeasures | undefined> {
  const oplog = client.db('local').collection<{ readonly ts: Timestamp }>('oplog.rs');
  const end = (order: 1 | -1): Promise<{ readonly ts: Timestamp } | null> =>
    oplog.findOne({}, { sort: { $natural: order }, projection: { ts: 1 } });
  const [first, last] = [await end(1), await end(-1)];
  const [stats] = await oplog.aggregate<{ size: number; maxSize: number }>([...oplogSize]).toArray();
  if (first === null || last === null || stats === undefined || stats.size === 0) return undefined;
  const seconds = last.ts.getHighBits() - first.ts.getHighBits();
  return { bytes: stats.maxSize, window: (seconds * 1_000 * stats.maxSize) / Math.min(stats.size, stats.maxSize) };
}

const oplogSize = [
  { $collStats: { storageStats: {} } },
  { $project: { size: '$storageStats.size', maxSize: '$storageStats.maxSize' } },
] as const;
