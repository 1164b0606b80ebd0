import { Timestamp, type Document, type MongoClient } from 'mongodb';
import { GuardError } from '../../errors/guard-error.ts';
import { fromMongoError, serverCode } from '../../errors/mongo-errors.ts';
import { elementOf, forEachInArray } from '../../mongo/raw-bson.ts';
import { readRaw } from '../../mongo/raw-read.ts';

const collection = 'oplog.rs';
/** What a cursor was at is not there any more. */
const cappedPositionLost = 136;
/** Above this number of databases the server does not look for their names. */
const mostDatabases = 50;
/** Unauthorized, and what Atlas says on its small clusters. */
const notAllowed = new Set([13, 8000]);

/** Whether the user may read the oplog and the list of transactions: the role `backup` may. Throws the errors of `fromMongoError`. */
export async function mayReadOplog(client: MongoClient): Promise<boolean> {
  try {
    const first = await client
      .db('local')
      .collection(collection)
      .findOne({}, { projection: { ts: 1 } });
    await client
      .db('config')
      .collection('transactions')
      .findOne({}, { projection: { _id: 1 } });
    return first !== null;
  } catch (error) {
    if (notAllowed.has(serverCode(error) ?? 0)) return false;
    throw fromMongoError(error, 'Looking at the oplog');
  }
}

/** The time of the newest entry that a majority of the members has; `notBefore` waits for it. */
export async function newestEntry(client: MongoClient, notBefore?: Timestamp): Promise<Timestamp> {
  const readConcern = { level: 'majority', ...(notBefore === undefined ? {} : { afterClusterTime: notBefore }) };
  const newest = await oneEntry(client, { sort: { $natural: -1 }, readConcern });
  if (newest !== undefined) return newest;
  throw new GuardError('backup/oplog-rolled-over', 'The oplog is empty.');
}

/**
 * From where on the oplog must be kept so that nothing is missed: the beginning of the oldest transaction that has not ended, or else the
 * newest entry. Source: mongodb/mongo-tools mongodump/oplog_dump.go.
 */
export async function firstNeeded(client: MongoClient): Promise<Timestamp> {
  const newest = await newestEntry(client);
  const open = await client
    .db('config')
    .collection<{ startOpTime?: { ts: Timestamp } }>('transactions')
    .find({ state: { $in: ['prepared', 'inProgress'] } }, { readConcern: { level: 'local' }, projection: { startOpTime: 1 } })
    .toArray();
  const starts = open.flatMap(({ startOpTime }) => (startOpTime === undefined ? [] : [startOpTime.ts]));
  return starts.reduce((oldest, time) => (time.lessThan(oldest) ? time : oldest), newest);
}

async function oneEntry(client: MongoClient, query: Document): Promise<Timestamp | undefined> {
  const reply = await client.db('local').command({ find: collection, limit: 1, singleBatch: true, projection: { ts: 1 }, ...query });
  return (reply['cursor'] as { firstBatch: readonly { ts: Timestamp }[] }).firstBatch[0]?.ts;
}

export interface OplogRange {
  /** An entry that was seen already, or the first one that is wanted; it is handed out too. */
  readonly from: Timestamp;
  /** The last entry. */
  readonly to: Timestamp;
  /** Entries of other databases may be left out, those of transactions are not. */
  readonly databases: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Entries of the oplog as they are, in their order. Throws `backup/oplog-rolled-over` when the first or the last one is not there (any
 * more), and the driver's errors.
 */
export async function* readEntries(client: MongoClient, range: OplogRange): AsyncGenerator<readonly Buffer[], void, undefined> {
  const { from, to, databases, signal } = range;
  const ours = databases.map((name) => name.replace(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`)).join('|');
  const names = databases.length > mostDatabases ? {} : { ns: { $regex: `^(${ours})\\.` } };
  const filter = {
    ts: { $gte: from, $lte: to },
    $or: [{ ts: { $in: [from, to] } }, { op: 'c', ns: 'admin.$cmd' }, { op: { $ne: 'n' }, ...names }],
  };
  const readConcern = { level: 'majority', afterClusterTime: to };
  const command = { find: collection, filter, readConcern };
  let first = true;
  let last: Timestamp | undefined;
  for await (const batch of unlessOverwritten(readRaw({ client, database: 'local', collection, command, signal }))) {
    const entries: Buffer[] = [];
    forEachInArray(batch, (start, end) => entries.push(batch.subarray(start, end)));
    const [oldest] = entries;
    if (first && oldest !== undefined && !timeOf(oldest).equals(from)) throw rolledOver();
    first &&= oldest === undefined;
    const newest = entries.at(-1);
    if (newest !== undefined) last = timeOf(newest);
    yield entries;
  }
  if (last?.equals(to) !== true) throw rolledOver();
}

/** Says of a cursor whose entries the server has removed what it means. */
async function* unlessOverwritten(batches: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* batches;
  } catch (error) {
    throw serverCode(error) === cappedPositionLost ? rolledOver() : error;
  }
}

/** The time of an entry. */
export function timeOf(entry: Buffer): Timestamp {
  const time = elementOf(entry, 'ts')?.value;
  return new Timestamp(time?.length === 8 ? time.readBigUInt64LE() : 0n);
}

function rolledOver(): GuardError {
  return new GuardError('backup/oplog-rolled-over', 'The oplog was overwritten before it was read.');
}
