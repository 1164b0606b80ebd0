import type { CollectionCensus } from '../../mongo/census.ts';

/** How much a proof reads although nobody wrote it: collections are read whole, the smallest first, as long as all of them together stay below. */
export interface ReadLimit {
  readonly documents: number;
  readonly bytes: number;
}

/** What is read in a few seconds. */
export const secondsOfReading: ReadLimit = { documents: 1_000_000, bytes: 256 * 2 ** 20 };

export const everything: ReadLimit = { documents: Infinity, bytes: Infinity };

/** Names of the collections of a point of which every document is read for a proof. Pure. */
export function chooseWhole(collections: readonly Pick<CollectionCensus, 'name' | 'digest'>[], limit: ReadLimit): ReadonlySet<string> {
  const names = new Set<string>();
  let [documents, bytes] = [0, 0];
  for (const { name, digest } of collections.toSorted((a, b) => (a.digest?.bytes ?? 0) - (b.digest?.bytes ?? 0))) {
    documents += digest?.documents ?? 0;
    bytes += digest?.bytes ?? 0;
    if (documents > limit.documents || bytes > limit.bytes) break;
    names.add(name);
  }
  return names;
}
