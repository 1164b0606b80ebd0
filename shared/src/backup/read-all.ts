import { availableParallelism } from 'node:os';
import type { Timestamp } from 'mongodb';
import { fromMongoError, serverCode } from '../errors/mongo-errors.ts';
import type { Log } from '../log/log.ts';
import type { Progress } from '../log/progress.ts';
import { isCapped, readableAtTime } from './consistency.ts';
import { dumpCollection, type DumpOptions, type DumpTarget } from './dump-collection.ts';
import { inParallel, widthByBytes } from './in-parallel.ts';
import type { ManifestCollection } from './manifest.ts';
import type { PlannedCollection } from './planned-collection.ts';
import type { SizeEstimate } from './sizes.ts';
import { SnapshotTooShort } from './snapshot-window.ts';
import { mayHeal, readAttempts } from './steadily.ts';

/** How the collections of one attempt are read. */
export interface Reading {
  readonly dump: DumpOptions;
  readonly serverVersion: string;
  readonly sizes: SizeEstimate;
  /** All documents are read at this time, where the server can. */
  readonly atClusterTime: Timestamp | undefined;
  /** Otherwise as a majority of the members has them, at this time or later. */
  readonly notBefore: Timestamp | undefined;
  readonly log: Log;
}

/** CursorNotFound, QueryPlanKilled, CursorKilled, CappedPositionLost: the cursor is gone, and another one may go through. */
const lostCursor = new Set([43, 136, 175, 237]);

/** Reads and writes collections, the largest first, several side by side, and more of them when they are small. A lost cursor or primary costs only the collection that it was reading. */
export async function readAll(reading: Reading, planned: readonly PlannedCollection[]): Promise<readonly ManifestCollection[]> {
  const done = new Map<PlannedCollection, ManifestCollection>();
  const bytesOf = (collection: PlannedCollection): number => reading.sizes.bytesOf(collection) ?? Number.MAX_SAFE_INTEGER;
  const order = planned.toSorted((a, b) => bytesOf(b) - bytesOf(a));
  const width = widthByBytes(Math.min(4, Math.max(2, availableParallelism())), bytesOf);
  await inParallel(order, width, async (collection) => {
    done.set(collection, await readSteadily(reading, collection));
  });
  return planned.flatMap((collection) => done.get(collection) ?? []);
}

async function readSteadily(reading: Reading, planned: PlannedCollection): Promise<ManifestCollection> {
  const { dump, log } = reading;
  const name = `${planned.database}.${planned.entry.name}`;
  for (let number = 1; ; number++) {
    dump.signal?.throwIfAborted();
    const counted = countedProgress(dump.progress);
    try {
      return await dumpCollection({ ...dump, progress: counted.progress }, await targetOf(reading, planned));
    } catch (error) {
      dump.signal?.throwIfAborted();
      if (error instanceof SnapshotTooShort) throw error;
      if (number === readAttempts || !canBeginAgain(error)) throw fromMongoError(error, `Backing up ${name}`);
      counted.takeBack();
      log.warning(`The connection or the cursor was lost while ${name} was read: it is read again from its beginning.`);
    }
  }
}

function canBeginAgain(error: unknown): boolean {
  return mayHeal(error) || lostCursor.has(serverCode(error) ?? 0);
}

async function targetOf(
  { dump, serverVersion, sizes, atClusterTime, notBefore }: Reading,
  planned: PlannedCollection,
): Promise<DumpTarget> {
  const atTime = atClusterTime !== undefined && readableAtTime(planned, serverVersion);
  return {
    planned,
    atClusterTime: atTime ? atClusterTime : undefined,
    notBefore: atTime ? undefined : notBefore,
    limit: atTime || !isCapped(planned) ? undefined : await countOf(dump, planned),
    pointInTime: atTime,
    expectedBytes: sizes.bytesOf(planned) ?? 0,
  };
}

/**
 * How many documents a capped collection holds now. Read as it is written, it would give more than it can hold: those that are dropped at
 * its end while new ones come.
 */
async function countOf({ client }: DumpOptions, { database, entry }: PlannedCollection): Promise<number | undefined> {
  const count = await client.db(database).collection(entry.name).estimatedDocumentCount();
  // No documents is no limit to a server.
  return count === 0 ? undefined : count;
}

/** A progress that can take back what one collection added. */
function countedProgress(progress: Progress): { readonly progress: Progress; takeBack(): void } {
  let documents = 0;
  let bytes = 0;
  return {
    progress: {
      ...progress,
      add(moreDocuments, moreBytes) {
        documents += moreDocuments;
        bytes += moreBytes;
        progress.add(moreDocuments, moreBytes);
      },
    },
    takeBack: () => progress.add(-documents, -bytes),
  };
}
