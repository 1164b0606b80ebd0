import type { ClientSession, Collection, Db, Document, MongoClient } from 'mongodb';
import type { Checkpoints } from './checkpoints.ts';
import { idsFilter, nextIds } from './id-ranges.ts';
import type { BatchProgress } from './protocol.ts';
import type { Recorder } from './recorder.ts';
import type { Sessions } from './sessions.ts';
import type { Throttle } from './throttle.ts';

/** What a migration may say about a walk over a collection; all of it can be left out. */
export interface BatchOptions {
  /** Tells several walks of one file apart; default the name of the collection. */
  readonly name?: string;
  /** Only the documents that match. One that leaves out what is migrated already makes a second run cheap. */
  readonly filter?: Document;
  /** Documents in a batch; default 1000. */
  readonly size?: number;
  /**
   * Whether each batch and its checkpoint are one transaction, so that a killed run neither loses nor repeats a batch; default: where the
   * server has transactions. Without it, the batch that was under way when a run was killed is run again.
   */
  readonly transaction?: boolean;
}

/** One batch, as the migration's function gets it. */
export interface Batch {
  /** From 1, over all runs of the file. */
  readonly number: number;
  /** Matches exactly the documents of this batch: for `updateMany`, `find`, `aggregate`. */
  readonly filter: Document;
  /** Documents in it. */
  readonly count: number;
  /** The session of its transaction; operations get it by themselves. */
  readonly session: ClientSession | undefined;
}

export interface BatchResult {
  readonly documents: number;
  readonly batches: number;
}

export interface BatchParts {
  readonly client: MongoClient;
  readonly db: Db;
  readonly sessions: Sessions;
  readonly recorder: Recorder;
  readonly checkpoints: Checkpoints;
  readonly throttle: Throttle;
  readonly signal: AbortSignal;
  /** Whether the server has transactions. */
  readonly transactions: boolean;
  readonly onProgress: (progress: BatchProgress) => void;
}

const majority = { writeConcern: { w: 'majority' } } as const;
const countMilliseconds = 10_000;

/**
 * Walks over a collection by `_id`, in batches, and keeps after each how far it came: a run that follows goes on there. Documents that are
 * inserted behind the last `_id` of the start are not visited. Before each batch the lock is confirmed, and the server may slow it down.
 */
export async function runBatches(
  collection: Collection,
  options: BatchOptions,
  { each, parts }: { readonly each: (batch: Batch) => unknown; readonly parts: BatchParts },
): Promise<BatchResult> {
  const { name = collection.collectionName, filter = {}, size = 1_000 } = options;
  if (!Number.isSafeInteger(size) || size < 1) throw new TypeError(`size of the batches ${name}: expected a whole number from 1`);
  const { checkpoints, throttle, signal, onProgress } = parts;
  const end = await collection.find({}, { projection: { _id: 1 }, sort: { _id: -1 }, limit: 1 }).next();
  let at = await checkpoints.open(name);
  const total = await totalOf(collection, filter, at.documents);
  const before = at.documents;
  const startedAt = performance.now();
  const tell = (waiting?: string): void => {
    const rate = (at.documents - before) / (performance.now() - startedAt);
    const left = total === undefined || rate === 0 ? {} : { millisecondsLeft: Math.max(0, Math.round((total - at.documents) / rate)) };
    onProgress({
      name,
      done: at.documents,
      ...(total === undefined ? {} : { total }),
      ...left,
      ...(waiting === undefined ? {} : { waiting }),
    });
  };
  if (end === null) return { documents: at.documents, batches: at.batches };
  for (;;) {
    signal.throwIfAborted();
    await throttle.wait(tell);
    await checkpoints.confirmLock();
    const ids = await nextIds(collection, { filter, after: at.last, end: end._id, size });
    if (ids.length === 0) break;
    const next = { last: { value: ids.at(-1) }, documents: at.documents + ids.length, batches: at.batches + 1 };
    const batch = { number: next.batches, filter: idsFilter(ids, filter), count: ids.length };
    const write = (session?: ClientSession): Promise<void> => checkpoints.write(name, next, session);
    if (options.transaction ?? parts.transactions) {
      await inTransaction(parts, async (session) => {
        await each({ ...batch, session });
        await write(session);
      });
    } else {
      await each({ ...batch, session: undefined });
      await write();
    }
    at = next;
    tell();
  }
  return { documents: at.documents, batches: at.batches };
}

/** A batch that the server aborts for a passing reason runs again: what it had done is not there, and is not counted. */
async function inTransaction({ client, sessions, recorder }: BatchParts, body: (session: ClientSession) => Promise<void>): Promise<void> {
  const session = client.startSession();
  const forget = recorder.mark();
  try {
    await session.withTransaction(() => {
      forget();
      return sessions.within(session, () => body(session));
    }, majority);
  } finally {
    await session.endSession();
  }
}

/** How many documents there are to visit, as far as that can be told quickly. */
async function totalOf(collection: Collection, filter: Document, done: number): Promise<number | undefined> {
  if (Object.keys(filter).length === 0) return collection.estimatedDocumentCount();
  try {
    return done + (await collection.countDocuments(filter, { maxTimeMS: countMilliseconds }));
  } catch {
    return undefined;
  }
}
