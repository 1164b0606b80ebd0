import type { Timestamp } from 'mongodb';
import { parseExtendedJson } from '../mongo/extended-json.ts';
import { memoryPool } from '../mongo/memory-pool.ts';
import { forEachDocument } from '../mongo/raw-bson.ts';
import { maxBatchDocuments, type RawBatch } from '../mongo/raw-write.ts';
import type { DecodedFrame } from './frame-reader.ts';
import type { Namespace } from './namespaces.ts';
import type { LoadOptions } from './restore-collection.ts';
import type { SourceCollection } from './restore-source.ts';

/** Bytes of one insert, from which on it takes no more documents: small enough that several are on their way at once. */
const fullInsert = 4 * 2 ** 20;

/**
 * Inserts all documents of a collection, several batches at a time, and returns the server's time after the last of them. Throws
 * `restore/refused`, `backup/*` for a damaged backup, `server/*`.
 */
export async function insertDocuments(options: LoadOptions, source: SourceCollection, at: Namespace): Promise<Timestamp | undefined> {
  const { from, inserter, budget, progress, signal } = options;
  // The order of a capped collection is part of what it is.
  const ordered = parseExtendedJson(source.options).get('capped') === true;
  const running = new Set<Promise<void>>();
  let failure: unknown;
  let newest: Timestamp | undefined;
  const insert = async (batch: RawBatch, ended: () => void): Promise<void> => {
    try {
      const time = await inserter.insert(batch);
      if (time !== undefined && (newest === undefined || time.greaterThan(newest))) newest = time;
      progress.add(batch.count, batch.documents.length);
    } catch (error) {
      failure ??= error;
    } finally {
      budget.release(batch.documents.length);
      ended();
    }
  };
  try {
    for await (const frame of from.documents(source, signal)) {
      const pieces = insertable(frame);
      const lease = memoryPool.leaseOf(frame.bytes);
      let open = pieces.length;
      const ended = (): void => {
        if (--open === 0) lease?.end();
      };
      for (const { bytes, documents } of pieces) {
        await budget.room();
        if (failure !== undefined) break;
        budget.hold(bytes.length);
        const batch = { ...at, documents: bytes, count: documents, ordered, bypassValidation: source.type !== 'timeseries' };
        const inserting = insert(batch, ended).finally(() => running.delete(inserting));
        running.add(inserting);
        if (ordered) await inserting;
      }
      if (failure !== undefined) break;
    }
  } finally {
    // A late insert would make a dropped shadow collection anew.
    await Promise.all(running);
  }
  if (failure !== undefined) throw failure;
  return newest;
}

/** A frame in pieces, one for each insert command. */
function insertable(frame: DecodedFrame): readonly DecodedFrame[] {
  const pieces: DecodedFrame[] = [];
  let documents = 0;
  let begin = 0;
  forEachDocument(frame.bytes, (_start, end) => {
    documents++;
    if (documents < maxBatchDocuments && end - begin < fullInsert && end < frame.bytes.length) return;
    pieces.push({ bytes: frame.bytes.subarray(begin, end), documents });
    begin = end;
    documents = 0;
  });
  return pieces;
}
