import { BSON, type Document, type MongoClient, type Timestamp } from 'mongodb';
import { inParallel } from '../../backup/in-parallel.ts';
import { fromMongoError } from '../../errors/mongo-errors.ts';
import { rawDocument } from '../../mongo/raw-bson.ts';
import { readRaw } from '../../mongo/raw-read.ts';

export interface KeyedRead {
  readonly client: MongoClient;
  readonly database: string;
  readonly collection: string;
  /** `_id`s with their BSON type byte in front. */
  readonly keys: readonly Buffer[];
  /** Cluster time at which is read; without it, now. */
  readonly at: Timestamp | undefined;
  readonly signal: AbortSignal;
}

/** Documents that are asked for at once. */
const asked = 1_000;
const atATime = 3;

/** Calls `visit` with the documents of these keys that are there, in BSON arrays and in no order. Throws as `fromMongoError`. */
export async function readByKey(read: KeyedRead, visit: (batch: Buffer) => void): Promise<void> {
  const { client, database, collection, keys, at, signal } = read;
  const snapshot = at === undefined ? {} : { readConcern: { level: 'snapshot', atClusterTime: at } };
  const parts = Array.from({ length: Math.ceil(keys.length / asked) }, (_, part) => keys.slice(part * asked, (part + 1) * asked));
  try {
    await inParallel(parts, atATime, async (part) => {
      const command = { find: collection, filter: { _id: { $in: idsOf(part) } }, batchSize: asked, ...snapshot };
      for await (const batch of readRaw({ client, database, collection, command, signal })) visit(batch);
    });
  } catch (error) {
    signal.throwIfAborted();
    throw fromMongoError(error, `Reading ${database}.${collection}`);
  }
}

/** The values as the driver sends them back unchanged. */
function idsOf(keys: readonly Buffer[]): readonly unknown[] {
  const ids = rawDocument(keys.map((key, index) => ({ type: key[0] ?? 0, name: String(index), value: key.subarray(1) })));
  const read: Document = BSON.deserialize(ids, { promoteValues: false, bsonRegExp: true });
  return Object.values(read) as readonly unknown[];
}
