import { Timestamp, type MongoClient } from 'mongodb';
import { fromMongoError } from '../errors/mongo-errors.ts';
import { nameOf, type Namespace } from './namespaces.ts';

/**
 * The time of the newest operation that the server knows: snapshot reads at this time wait until a majority holds it. Of a standalone
 * server, which has no cluster time, it is `undefined`.
 */
export async function currentClusterTime(client: MongoClient): Promise<Timestamp | undefined> {
  try {
    const { operationTime } = await client.db('admin').command({ ping: 1 });
    return operationTime as Timestamp | undefined;
  } catch (error) {
    throw fromMongoError(error, 'Asking for the cluster time');
  }
}

/** A cluster time as `seconds.increment`, for documents and people. */
export function clusterTimeText(time: Timestamp): string {
  return `${time.t}.${time.i}`;
}

export interface WriteQuery {
  readonly database: string;
  readonly namespaces: readonly Namespace[];
  /** Writes at this time itself do not count. */
  readonly after: Timestamp;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The first of `namespaces` (of one database) that was written between `after` and now, by the change stream of the database;
 * `undefined` when none was, which is a proof that they did not change. Throws the errors of `fromMongoError`, also when the server no
 * longer knows its history since `after`.
 */
export async function firstWritten(client: MongoClient, { database, namespaces, after, signal }: WriteQuery): Promise<string | undefined> {
  const until = await currentClusterTime(client);
  const names = namespaces.map(({ collection }) => collection);
  const pipeline = [{ $match: { 'ns.coll': { $in: names } } }, { $project: { ns: 1 } }];
  const since = new Timestamp({ t: after.t, i: after.i + 1 });
  const stream = client.db(database).watch(pipeline, { startAtOperationTime: since, maxAwaitTimeMS: 500 });
  try {
    for (;;) {
      signal?.throwIfAborted();
      const event = await stream.tryNext();
      if (event !== null) return nameOf({ database, collection: (event as unknown as { ns: { coll: string } }).ns.coll });
      if (tokenTime((stream.resumeToken as { _data: string })._data) >= (until?.toBigInt() ?? 0n)) return undefined;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw fromMongoError(error, `Looking for writes to ${database} during the backup`);
  } finally {
    await stream.close();
  }
}

/** The cluster time in a resume token: a key string whose first byte says timestamp and whose next eight are the time, big endian. */
function tokenTime(token: string): bigint {
  return token.startsWith('82') ? BigInt(`0x${token.slice(2, 18)}`) : 0n;
}
