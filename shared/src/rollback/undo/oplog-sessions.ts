import { Timestamp, type MongoClient } from 'mongodb';
import { serverCode } from '../../errors/mongo-errors.ts';
import { elementOf, forEachInArray } from '../../mongo/raw-bson.ts';
import { readRaw } from '../../mongo/raw-read.ts';

const unauthorized = 13;

/**
 * The sessions of the writes at these cluster times, from the oplog: every retryable write carries one, writes of many documents at once do
 * not. `undefined` where the user may not read the oplog.
 */
export async function sessionsAt(client: MongoClient, times: readonly bigint[]): Promise<ReadonlyMap<bigint, string> | undefined> {
  const wanted = new Set(times);
  const [first, last] = times.reduce(([low, high], time) => [time < low ? time : low, time > high ? time : high], [times[0] ?? 0n, 0n]);
  const sessions = new Map<bigint, string>();
  const command = {
    find: 'oplog.rs',
    filter: { ts: { $gte: new Timestamp(first), $lte: new Timestamp(last) }, 'lsid.id': { $exists: true } },
    projection: { ts: 1, 'lsid.id': 1 },
  };
  try {
    for await (const batch of readRaw({ client, database: 'local', collection: 'oplog.rs', command })) {
      forEachInArray(batch, (start, end) => {
        const entry = batch.subarray(start, end);
        const time = elementOf(entry, 'ts')?.value.readBigUInt64LE();
        const session = elementOf(elementOf(entry, 'lsid')?.value ?? Buffer.from([5, 0, 0, 0, 0]), 'id');
        if (time !== undefined && wanted.has(time) && session !== undefined) sessions.set(time, session.value.toString('hex', 5));
      });
    }
    return sessions;
  } catch (error) {
    if (serverCode(error) === unauthorized) return undefined;
    throw error;
  }
}
