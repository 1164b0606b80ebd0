import type { RestoreSource, SourceCollection } from '../../backup/restore-source.ts';
import { hashDocuments } from '../../mongo/document-hash.ts';
import { memoryPool } from '../../mongo/memory-pool.ts';
import { forEachDocument } from '../../mongo/raw-bson.ts';
import { addReferences, idOf, isWanted, sizeOf, type IdKey, type Reference, type Wanted } from './references.ts';

export interface SampleWishes {
  /** Documents of each collection. */
  readonly documents: number;
  /** Other numbers for single collections, by name. */
  readonly collections: Readonly<Record<string, number | 'all'>>;
  /** Declared references: `orders.customer` to `customers`. Ids that are ObjectIds or UUIDs are followed without. */
  readonly references: Readonly<Record<string, string>>;
}

/** Which documents of a collection are in the sample. */
export type Picks = (document: Buffer) => boolean;

export interface Sample {
  picksOf(collection: SourceCollection): Picks;
  /** Rounds of looking up what the documents of the last round refer to. */
  readonly rounds: number;
  /** False when there were still references to follow after the last round. */
  readonly complete: boolean;
}

/** Chains of references (order, customer, account, ...) are followed so far. */
const mostRounds = 10;

interface Taken {
  readonly collection: SourceCollection;
  /** Hash up to which documents are in the sample by chance. */
  readonly threshold: number;
  readonly references: readonly Reference[];
  /** Documents that are in it because another one refers to them. */
  readonly referred: Set<IdKey>;
}

/**
 * Chooses documents: of each collection so many at random, the same ones for the same backup, and whatever they refer to, so that
 * references hold. Reads the backup once to choose and once for each round of references.
 */
export async function chooseSample(from: RestoreSource, wishes: SampleWishes, signal: AbortSignal): Promise<Sample> {
  const read = readerOf(from, signal);
  const wanted: Wanted = { anywhere: new Set(), inCollection: new Map() };
  const taken = new Map<SourceCollection, Taken>();
  for (const collection of from.collections) {
    if (collection.type === 'view') continue;
    const threshold = await thresholdOf(read, collection, wishes);
    taken.set(collection, { collection, threshold, references: referencesOf(wishes, collection.name), referred: new Set() });
  }
  for (const one of taken.values())
    await read(one.collection, (document) => {
      if (isChosen(one, document)) addReferences(document, one.references, wanted);
    });
  let rounds = 0;
  let complete = false;
  for (let known = 0; !complete && rounds < mostRounds; rounds++) {
    known = sizeOf(wanted);
    for (const one of taken.values()) await follow(read, one, wanted);
    complete = sizeOf(wanted) === known;
  }
  return {
    rounds,
    complete,
    picksOf(collection) {
      const one = taken.get(collection);
      if (one === undefined) return () => false;
      return (document) => isChosen(one, document) || (one.referred.size > 0 && one.referred.has(idOf(document)));
    },
  };
}

function referencesOf({ references }: SampleWishes, collection: string): readonly Reference[] {
  return Object.entries(references).flatMap(([path, to]) =>
    path.startsWith(`${collection}.`) ? [{ field: path.slice(collection.length + 1), to }] : [],
  );
}

/** Adds the documents that are referred to, and what they refer to themselves. The buckets of a time series have no ids to refer to. */
async function follow(read: Reader, { collection, threshold, references, referred }: Taken, wanted: Wanted): Promise<void> {
  if (collection.type === 'timeseries' || threshold === Number.POSITIVE_INFINITY) return;
  await read(collection, (document) => {
    const id = idOf(document);
    if (referred.has(id) || !isWanted(wanted, collection.name, id) || hashOf(document) <= threshold) return;
    referred.add(id);
    addReferences(document, references, wanted);
  });
}

function isChosen({ threshold }: Taken, document: Buffer): boolean {
  return threshold === Number.POSITIVE_INFINITY || hashOf(document) <= threshold;
}

/** The n-th smallest hash: as random as the hash is, and the same in every pass. */
async function thresholdOf(read: Reader, collection: SourceCollection, wishes: SampleWishes): Promise<number> {
  const wish = wishes.collections[collection.name] ?? wishes.documents;
  const { documents } = collection.digest;
  if (wish === 'all' || documents <= wish) return Number.POSITIVE_INFINITY;
  if (wish === 0) return -1;
  const hashes = new Float64Array(documents);
  let count = 0;
  await read(collection, (document) => {
    hashes[count++] = hashOf(document);
  });
  return hashes.sort()[wish - 1] ?? -1;
}

/** 53 bits of the document's hash. */
function hashOf(document: Buffer): number {
  return Number(hashDocuments(document).sum & (2n ** 53n - 1n));
}

/** What `visit` is given is its own only until it returns. */
type Reader = (collection: SourceCollection, visit: (document: Buffer) => void) => Promise<void>;

function readerOf(from: RestoreSource, signal: AbortSignal): Reader {
  return async (collection, visit) => {
    for await (const { bytes } of from.documents(collection, signal)) {
      signal.throwIfAborted();
      forEachDocument(bytes, (start, end) => visit(bytes.subarray(start, end)));
      memoryPool.leaseOf(bytes)?.end();
    }
  };
}
