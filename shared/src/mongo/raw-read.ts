import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Document, MongoClient, Timestamp } from 'mongodb';
import { asBuffer, elementsOf, InvalidBson } from './raw-bson.ts';

/** A command that opens a cursor, for example `{ find: 'orders' }`. */
export interface RawQuery {
  readonly client: MongoClient;
  readonly database: string;
  readonly command: Document;
  /** Collection that `getMore` names. */
  readonly collection: string;
  readonly signal?: AbortSignal | undefined;
}

/** One reply of a cursor. */
interface RawReply {
  /** Zero when the server has no more. */
  readonly cursorId: bigint;
  /** BSON array of documents: walk it with `forEachInArray`. */
  readonly batch: Buffer;
}

export interface ScanTime {
  /** Exactly this cluster time: a snapshot read. */
  readonly atClusterTime?: Timestamp | undefined;
  /** As a majority of the members has it, at this cluster time or later. */
  readonly notBefore?: Timestamp | undefined;
}

/** The member `readConcern` of a command that reads at this time. */
export function readConcernOf({ atClusterTime, notBefore }: ScanTime): Document {
  const snapshot = atClusterTime === undefined ? {} : { readConcern: { level: 'snapshot', atClusterTime } };
  const majority = notBefore === undefined ? {} : { readConcern: { level: 'majority', afterClusterTime: notBefore } };
  return { ...snapshot, ...majority };
}

/** A batch size that leaves the length of replies to the server: without one the first would be short. */
export const wholeReply = 2 ** 31 - 1;

/** A whole collection in the order in which the server keeps it, as a command. */
export function scan(collection: string, time: ScanTime = {}): Document {
  // The hint keeps servers that limit scans from refusing this one, as mongodump does.
  return { find: collection, hint: { $natural: 1 }, batchSize: wholeReply, ...readConcernOf(time) };
}

/**
 * The batches of a cursor as the bytes that the server sent, never as objects. The next batch is asked for before the last one is handed
 * out, so server and caller work at the same time. Driver errors are thrown as they are; leaving the loop closes the cursor.
 */
export async function* readRaw(query: RawQuery): AsyncGenerator<Buffer, void, undefined> {
  const database = query.client.db(query.database);
  // One explicit session a cursor: without it every command has another implicit one, and the server refuses getMore.
  const session = query.client.startSession({ causalConsistency: false });
  const ask = async (command: Document): Promise<RawReply> => replyOf(await database.command(command, { raw: true, session }));
  let pending: Promise<RawReply> | undefined;
  let cursorId = 0n;
  try {
    pending = ask(query.command);
    while (pending !== undefined) {
      query.signal?.throwIfAborted();
      const reply: RawReply = await pending;
      cursorId = reply.cursorId;
      pending = cursorId === 0n ? undefined : ask({ getMore: cursorId, collection: query.collection });
      // A failure is seen when the reply is awaited; until then it must not count as unhandled.
      pending?.catch(() => undefined);
      // The driver sends it in one of the next turns, which whoever walks the batch would hold up.
      if (pending !== undefined) await nextTurn();
      yield reply.batch;
    }
  } finally {
    const last = await pending?.catch(() => undefined);
    if (cursorId !== 0n && last?.cursorId !== 0n)
      await database.command({ killCursors: query.collection, cursors: [cursorId] }).catch(() => undefined);
    await session.endSession();
  }
}

function replyOf(reply: Document): RawReply {
  const cursor = asBuffer(reply['cursor'] as Uint8Array);
  let cursorId = 0n;
  let batch: Buffer | undefined;
  for (const { name, value } of elementsOf(cursor)) {
    if (name === 'id') cursorId = value.readBigInt64LE();
    if (name === 'firstBatch' || name === 'nextBatch') batch = value;
  }
  if (batch === undefined) throw new InvalidBson('a cursor reply holds no batch', 0);
  return { cursorId, batch };
}
