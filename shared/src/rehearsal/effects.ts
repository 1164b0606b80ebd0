import { compareCensus } from '../checks/compare-census.ts';
import type { CollectionCensus } from '../mongo/census.ts';
import { sameDigest } from '../mongo/digest.ts';
import type { State } from './state/capture.ts';
import type { Reveal } from './state/reveal.ts';
import { compareContents, type ContentDifference } from './state/compare-contents.ts';

/** What one file did to one collection, from the data themselves. Holds no values of documents. */
export interface CollectionEffects {
  readonly collection: string;
  /** Name before, where the file renamed it. */
  readonly renamedFrom?: string;
  readonly before: CollectionSize | undefined;
  readonly after: CollectionSize | undefined;
  /** Documents and fields; absent when none differs, or when they could not be kept. */
  readonly contents?: ContentDifference;
  /** Canonical Extended JSON. */
  readonly indexesAdded: readonly string[];
  readonly indexesRemoved: readonly string[];
  /** Canonical Extended JSON, where they differ: validator, capped size, … */
  readonly options?: { readonly before: string; readonly after: string };
}

export interface CollectionSize {
  readonly documents: number;
  readonly bytes: number;
}

/** What changed from one state to the next, for each collection that did; a renamed one is followed by its UUID. */
export function effectsBetween(before: State, after: State, reveal: Reveal): readonly CollectionEffects[] {
  const old = new Map(before.census.collections.map((collection) => [collection.name, collection]));
  const origins = new Map(before.census.collections.map((collection) => [collection.uuid, collection]));
  const used = new Set<string>();
  const now = after.census.collections.map((collection) => {
    const origin = old.get(collection.name) ?? (collection.uuid === undefined ? undefined : origins.get(collection.uuid));
    if (origin !== undefined) used.add(origin.name);
    return { is: collection, was: origin };
  });
  const gone = before.census.collections.filter(({ name }) => !used.has(name)).map((was) => ({ was, is: undefined }));
  return [...now, ...gone].flatMap(({ was, is }) => effectsOf({ was, is }, [before, after], reveal));
}

interface Sides {
  readonly was: CollectionCensus | undefined;
  readonly is: CollectionCensus | undefined;
}

function effectsOf({ was, is }: Sides, [before, after]: readonly [State, State], reveal: Reveal): readonly CollectionEffects[] {
  const name = is?.name ?? was?.name ?? '';
  const renamed = was !== undefined && is !== undefined && was.name !== is.name;
  const sameDocuments = was?.digest !== undefined && is?.digest !== undefined && sameDigest(was.digest, is.digest);
  const spills = [
    was === undefined ? undefined : before.contents.get(was.name),
    is === undefined ? undefined : after.contents.get(is.name),
  ] as const;
  const kept = (was === undefined || spills[0] !== undefined) && (is === undefined || spills[1] !== undefined);
  const contents = sameDocuments || !kept ? undefined : compareContents(name, spills, { reveal });
  const indexesAdded = (is?.indexes ?? []).filter((index) => was?.indexes.includes(index) !== true);
  const indexesRemoved = (was?.indexes ?? []).filter((index) => is?.indexes.includes(index) !== true);
  const options =
    was !== undefined && is !== undefined && was.options !== is.options ? { options: { before: was.options, after: is.options } } : {};
  const unchanged = was !== undefined && is !== undefined && !renamed && sameDocuments && indexesAdded.length + indexesRemoved.length === 0;
  if (unchanged && !('options' in options)) return [];
  // A view, or a collection whose documents were not kept: its counts decide.
  if (was !== undefined && is !== undefined && compareOne(was, is) && !renamed) return [];
  return [
    {
      collection: name,
      ...(renamed ? { renamedFrom: was.name } : {}),
      before: sizeOf(was),
      after: sizeOf(is),
      ...(contents === undefined ? {} : { contents }),
      indexesAdded,
      indexesRemoved,
      ...options,
    },
  ];
}

function compareOne(was: CollectionCensus, is: CollectionCensus): boolean {
  const census = (collection: CollectionCensus) => ({ database: '', takenAt: '', collections: [{ ...collection, name: '' }] });
  return compareCensus(census(was), census(is)).length === 0;
}

function sizeOf(collection: CollectionCensus | undefined): CollectionSize | undefined {
  if (collection === undefined) return undefined;
  return { documents: collection.documents, bytes: collection.digest?.bytes ?? 0 };
}
