import type { MongoClient, Timestamp } from 'mongodb';

export interface OplogExtent {
  /** Between its oldest and its newest entry. */
  readonly seconds: number;
  /** Bytes that it holds. */
  readonly size: number;
  /** Size at which it begins to forget, bytes. */
  readonly maxSize: number;
}

export interface OplogWindow {
  /** Size at which it begins to forget, bytes. */
  readonly bytes: number;
  /** How far it reaches back when it is full, at the rate of until now, milliseconds. */
  readonly window: number;
}

/** `undefined` for a server without an oplog, or with an empty one. Takes the privilege to read the database `local`. */
export async function readOplogExtent(client: MongoClient): Promise<OplogExtent | undefined> {
  const oplog = client.db('local').collection<{ readonly ts: Timestamp }>('oplog.rs');
  const end = (order: 1 | -1): Promise<{ readonly ts: Timestamp } | null> =>
    oplog.findOne({}, { sort: { $natural: order }, projection: { ts: 1 } });
  const [first, last] = [await end(1), await end(-1)];
  if (first === null || last === null) return undefined;
  const [stats] = await oplog.aggregate<{ size: number; maxSize: number }>([...oplogSize]).toArray();
  if (stats === undefined || stats.size === 0) return undefined;
  return { ...stats, seconds: last.ts.getHighBits() - first.ts.getHighBits() };
}

/** As `readOplogExtent`. */
export async function readOplogWindow(client: MongoClient): Promise<OplogWindow | undefined> {
  const extent = await readOplogExtent(client);
  if (extent === undefined) return undefined;
  const { seconds, size, maxSize } = extent;
  return { bytes: maxSize, window: (seconds * 1_000 * maxSize) / Math.min(size, maxSize) };
}

const oplogSize = [
  { $collStats: { storageStats: {} } },
  { $project: { size: '$storageStats.size', maxSize: '$storageStats.maxSize' } },
] as const;
