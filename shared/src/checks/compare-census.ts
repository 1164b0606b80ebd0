import type { Census, CollectionCensus } from '../mongo/census.ts';
import { sameDigest } from '../mongo/digest.ts';

/** One way in which a collection differs. `before` and `after` are short texts for people, never document contents. */
export interface CensusDifference {
  readonly collection: string;
  readonly what: 'missing' | 'added' | 'type' | 'options' | 'indexes' | 'documents' | 'digest';
  readonly before: string;
  readonly after: string;
}

/**
 * What changed from `before` to `after`, by collection name; nothing when the two databases are equal. UUIDs are no difference: a restored
 * collection has a new one. Digests are compared where both sides have one, and only named when the numbers of documents agree.
 */
export function compareCensus(before: Census, after: Census): readonly CensusDifference[] {
  const then = new Map(before.collections.map((collection) => [collection.name, collection]));
  const now = new Map(after.collections.map((collection) => [collection.name, collection]));
  const names = [...new Set([...then.keys(), ...now.keys()])].sort();
  return names.flatMap((name) => compareCollection(name, then.get(name), now.get(name)));
}

function compareCollection(
  collection: string,
  before: CollectionCensus | undefined,
  after: CollectionCensus | undefined,
): CensusDifference[] {
  if (before === undefined) return after === undefined ? [] : [{ collection, what: 'added', before: '', after: size(after) }];
  if (after === undefined) return [{ collection, what: 'missing', before: size(before), after: '' }];
  if (before.type !== after.type) return [{ collection, what: 'type', before: before.type, after: after.type }];
  return [
    ...differing(collection, 'options', { before: before.options, after: after.options }),
    ...differing(collection, 'indexes', indexTexts(before.indexes, after.indexes)),
    ...(before.documents === after.documents
      ? compareDigests(collection, before, after)
      : differing(collection, 'documents', { before: String(before.documents), after: String(after.documents) })),
  ];
}

function compareDigests(collection: string, before: CollectionCensus, after: CollectionCensus): CensusDifference[] {
  if (before.digest === undefined || after.digest === undefined || sameDigest(before.digest, after.digest)) return [];
  return [{ collection, what: 'digest', before: digestText(before.digest), after: digestText(after.digest) }];
}

function differing(
  collection: string,
  what: CensusDifference['what'],
  { before, after }: { readonly before: string; readonly after: string },
): CensusDifference[] {
  return before === after ? [] : [{ collection, what, before, after }];
}

/** The indexes that only one side has, so that equal lists give equal texts. */
function indexTexts(before: readonly string[], after: readonly string[]): { readonly before: string; readonly after: string } {
  const only = (these: readonly string[], others: readonly string[]): string => these.filter((index) => !others.includes(index)).join(', ');
  return { before: only(before, after), after: only(after, before) };
}

function size({ type, documents }: CollectionCensus): string {
  return type === 'view' ? 'view' : `${documents} documents`;
}

function digestText({ sum, bytes }: NonNullable<CollectionCensus['digest']>): string {
  return `${sum} (${bytes} bytes)`;
}
