import type { MongoClient } from 'mongodb';
import { inParallel } from './in-parallel.ts';
import type { PlannedCollection } from './planned-collection.ts';

export interface SizeEstimate {
  /** `undefined` when the user may not ask. */
  readonly total: { readonly documents: number; readonly bytes: number } | undefined;
  /** Bytes of BSON, 0 of a view; `undefined` when the user may not ask. */
  bytesOf(collection: PlannedCollection): number | undefined;
}

interface Size {
  readonly documents: number;
  readonly bytes: number;
}

/** What the server thinks its collections hold, for order and progress only. It is not exact and never an error. */
export async function estimateSizes(client: MongoClient, planned: readonly PlannedCollection[]): Promise<SizeEstimate> {
  const sizes = new Map<PlannedCollection, Size>();
  await inParallel(planned, 8, async (collection) => {
    const size = await sizeOf(client, collection).catch(() => undefined);
    if (size !== undefined) sizes.set(collection, size);
  });
  const known = planned.every((collection) => sizes.has(collection));
  const sum = (part: keyof Size): number => [...sizes.values()].reduce((total, size) => total + size[part], 0);
  return {
    total: known ? { documents: sum('documents'), bytes: sum('bytes') } : undefined,
    bytesOf: (collection) => sizes.get(collection)?.bytes,
  };
}

/** What the server counts along, without looking at the documents. `$collStats` tells it too, with much that costs the server four times as long. */
async function sizeOf(client: MongoClient, { database, source }: PlannedCollection): Promise<Size> {
  if (source === undefined) return { documents: 0, bytes: 0 };
  const { numObjects, size } = await client.db(database).command({ dataSize: `${database}.${source}`, estimate: true });
  return { documents: Number(numObjects), bytes: Number(size) };
}
