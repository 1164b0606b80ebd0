import type { ClientSession, Collection } from 'mongodb';
import { runBatches, type Batch, type BatchOptions, type BatchParts, type BatchResult } from './batch.ts';

/** The third argument of `up(db, client, context)` and `down(db, client, context)`. */
export interface MigrationContext {
  /** The session of the file's transaction; operations that name no session run in it by themselves. */
  readonly session: ClientSession | undefined;
  /** Aborted when the run is cancelled: long work may end at its next safe point. */
  readonly signal: AbortSignal;
  /** Walks over a collection in batches by `_id`, with checkpoints, throttled by the state of the server. */
  batch(collection: Collection | string, each: (batch: Batch) => unknown): Promise<BatchResult>;
  batch(collection: Collection | string, options: BatchOptions, each: (batch: Batch) => unknown): Promise<BatchResult>;
}

export function createContext(parts: BatchParts, session: ClientSession | undefined): MigrationContext {
  return {
    session,
    signal: parts.signal,
    batch: (collection: Collection | string, ...rest: unknown[]) => {
      const [options, each] = (rest.length === 1 ? [{}, rest[0]] : rest) as [BatchOptions, (batch: Batch) => unknown];
      if (typeof each !== 'function') throw new TypeError('batch(collection, options, each): each is not a function');
      if (session !== undefined) {
        throw new Error('batch commits each batch by itself: say `export const transaction = false` in this file');
      }
      const named = typeof collection === 'string' ? parts.db.collection(collection) : collection;
      return runBatches(named, options, { each, parts });
    },
  };
}
