import type { MongoClient } from 'mongodb';
import { inParallel } from './in-parallel.ts';
import type { PlannedCollection } from './planned-collection.ts';

export interface SizeEstimate {
  /** `undefined` when the user may not ask. */
  readonly total: { readonly documents: number; readonly bytes: number } | undefined;
  /** Bytes of BSON; 0 when unknown. */
  bytesOf(collection: PlannedCollection): number;
}

interface Size {
  readonly documents: number;
  readonly bytes: number;
}

/** What the server thinks its collections hold, for order and progress only. It is not exact and never an error. */
export async function estimateSizes(client: MongoClient, planned: readonly PlannedCollection[]): Promise<SizeEstimate> {
  const sizes = new Map<PlannedCollection, Size>();
  await inParallel(planned, 4, async (collection) => {
    const size = await sizeOf(client, collection).catch(() => undefined);
    if (size !== undefined) sizes.set(collection, size);
  });
  const withData = planned.filter(({ source }) => source !== undefined);
  const known = withData.every((collection) => sizes.has(collection));
  const sum = (part: keyof Size): number => [...sizes.values()].reduce((total, size) => total + size[part], 0);
  return {
    total: known ? { documents: sum('documents'), bytes: sum('bytes') } : undefined,
    bytesOf: (collection) => sizes.get(collection)?.bytes ?? 0,
  };
}

async function sizeOf(client: MongoClient, { database, source }: PlannedCollection): Promise<Size | undefined> {
  if (source === undefined) return undefined;
  const pipeline = [{ $collStats: { storageStats: {} } }];
  let documents = 0;
  let bytes = 0;
  // One result for each shard that holds a part.
  for await (const stats of client.db(database).collection(source).aggregate<{ storageStats: { count: number; size: number } }>(pipeline)) {
    documents += stats.storageStats.count;
    bytes += stats.storageStats.size;
  }
  return { documents, bytes };
}
