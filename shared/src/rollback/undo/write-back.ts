import { setTimeout as sleep } from 'node:timers/promises';
import { ReadConcern, type ClientSession, type Db, type Document, type Timestamp } from 'mongodb';
import { DocumentSequence } from 'mongodb/lib/cmap/commands.js';
import { GuardError } from '../../errors/guard-error.ts';
import { fromMongoError, isRetryable, serverCode } from '../../errors/mongo-errors.ts';
import { rawDocument } from '../../mongo/raw-bson.ts';

/** One document as it has to be. */
export interface PutBack {
  /** `_id` with its BSON type byte in front. */
  readonly key: Buffer;
  /** `undefined`: there must be none. */
  readonly document: Buffer | undefined;
}

/**
 * `changed`: somebody has written one of the documents after `at`, or the server changed its mind; nothing was written. `duplicate`: a
 * unique index holds a value of theirs for another document; nothing was written.
 */
export type WrittenBack = 'done' | 'changed' | 'duplicate';

export interface WriteBackOptions {
  readonly db: Db;
  readonly collection: string;
  readonly session: ClientSession;
  /** The documents are only written as they were at this cluster time. */
  readonly at: Timestamp;
  /** Whether the collection has a validator: documents come back as they were, also those that it would refuse. */
  readonly validated: boolean;
  /** First all are deleted, then inserted: for values of unique indexes that change places. */
  readonly apart?: boolean;
}

/** How long the outcome of a commit may stay unknown, milliseconds. */
const commitPatience = 60_000;

/** Puts documents back in one transaction: all of them or none, and only where nobody has written them since `at`. Throws as `fromMongoError`. */
export async function writeBack(documents: readonly PutBack[], options: WriteBackOptions): Promise<WrittenBack> {
  const { session, at, collection } = options;
  const readConcern = Object.assign(new ReadConcern('snapshot'), { atClusterTime: at });
  session.startTransaction({ readConcern, writeConcern: { w: 'majority' } });
  try {
    for (const command of commandsFor(documents, options)) {
      const outcome = outcomeOf(await options.db.command(command, { session }), collection);
      if (outcome === 'done') continue;
      await session.abortTransaction().catch(() => undefined);
      return outcome;
    }
    await commit(session);
    return 'done';
  } catch (error) {
    if (session.inTransaction()) await session.abortTransaction().catch(() => undefined);
    const code = serverCode(error);
    if (code === 11000) return 'duplicate';
    // The server cannot (any longer) read at that time, or the documents were written since.
    if (code === 112 || code === 239 || code === 246 || code === 251 || isRetryable(error)) return 'changed';
    throw fromMongoError(error, `Putting documents of ${collection} back`);
  }
}

function commandsFor(documents: readonly PutBack[], { collection, validated, apart = false }: WriteBackOptions): readonly Document[] {
  const absent = documents.filter(({ document }) => apart || document === undefined).map(({ key }) => deletion(key));
  const present = documents.flatMap(({ key, document }) => (document === undefined ? [] : [replacement(key, document)]));
  const deletes = { delete: collection, deletes: sequence('deletes', absent) };
  // Not every user may do this.
  const bypass = validated ? { bypassDocumentValidation: true } : {};
  const updates = { update: collection, ...bypass, updates: sequence('updates', present) };
  return [...(absent.length > 0 ? [deletes] : []), ...(present.length > 0 ? [updates] : [])];
}

function deletion(key: Buffer): Buffer {
  return rawDocument([
    { type: 0x03, name: 'q', value: filterOf(key) },
    { type: 0x10, name: 'limit', value: Buffer.from([1, 0, 0, 0]) },
  ]);
}

function replacement(key: Buffer, document: Buffer): Buffer {
  return rawDocument([
    { type: 0x03, name: 'q', value: filterOf(key) },
    { type: 0x03, name: 'u', value: document },
    { type: 0x08, name: 'upsert', value: Buffer.from([1]) },
  ]);
}

function filterOf(key: Buffer): Buffer {
  return rawDocument([{ type: key[0] ?? 0, name: '_id', value: key.subarray(1) }]);
}

function sequence(name: string, documents: readonly Buffer[]): DocumentSequence {
  const built = new DocumentSequence(name);
  // One push of many documents: the section is length, name and bytes, so the result is the same as of one push for each.
  built.push({}, Buffer.concat(documents));
  return built;
}

function outcomeOf(reply: Document, collection: string): WrittenBack {
  const [failed] = (reply['writeErrors'] as readonly { code?: number }[] | undefined) ?? [];
  if (failed === undefined) return 'done';
  if (failed.code === 11000) return 'duplicate';
  if (failed.code === 112) return 'changed';
  throw new GuardError('rollback/undo-incomplete', `The server refused a document of ${collection} (server error ${failed.code}).`);
}

/** Commits, and asks again as long as the answer is lost: the server knows whether it had done it. */
async function commit(session: ClientSession): Promise<void> {
  const deadline = performance.now() + commitPatience;
  for (;;) {
    try {
      await session.commitTransaction();
      return;
    } catch (error) {
      const labels = (error as { errorLabels?: readonly string[] }).errorLabels ?? [];
      if (!labels.includes('UnknownTransactionCommitResult') || performance.now() > deadline) throw error;
      await sleep(250);
    }
  }
}
