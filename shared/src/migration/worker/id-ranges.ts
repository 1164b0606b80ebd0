import type { Collection, Document } from 'mongodb';

export interface NextIds {
  readonly filter: Document;
  /** The last `_id` that was visited. */
  readonly after: { readonly value: unknown } | undefined;
  /** The last `_id` to be visited. */
  readonly end: unknown;
  readonly size: number;
}

/**
 * The next `_id`s in the order of the index, across types: comparisons by `$gt` would see only values of one type, so the index bound
 * `min` says where to go on, and `$expr` where to end.
 */
export async function nextIds(collection: Collection, { filter, after, end, size }: NextIds): Promise<readonly unknown[]> {
  const upTo = { $expr: { $lte: ['$_id', { $literal: end }] } };
  const cursor = collection.find({ $and: [filter, upTo] }, { projection: { _id: 1 }, readPreference: 'primary' });
  const bounded = after === undefined ? cursor : cursor.min({ _id: after.value });
  const found = await bounded
    .hint({ _id: 1 })
    .sort({ _id: 1 })
    .limit(size + 1)
    .toArray();
  const ids = found.map(({ _id }) => _id as unknown);
  const fresh = after !== undefined && ids.length > 0 && same(ids[0], after.value) ? ids.slice(1) : ids;
  return fresh.slice(0, size);
}

/** A filter that matches exactly the documents with these `_id`s, which are neighbours: a range where they are of one type. */
export function idsFilter(ids: readonly unknown[], filter: Document): Document {
  const [first, last] = [ids[0], ids.at(-1)];
  const range = typeOf(first) === typeOf(last) && typeOf(first) !== 'other' ? { $gte: first, $lte: last } : { $in: ids };
  return Object.keys(filter).length === 0 ? { _id: range } : { $and: [filter, { _id: range }] };
}

/** Types that the server compares with each other, by their order: values between two of one type are of that type too. */
function typeOf(value: unknown): string {
  const { _bsontype: bson } = (value ?? {}) as { readonly _bsontype?: string };
  if (typeof value === 'number' || typeof value === 'bigint') return 'number';
  if (bson !== undefined) return ['Int32', 'Double', 'Long', 'Decimal128'].includes(bson) ? 'number' : bson;
  if (value instanceof Date) return 'date';
  return typeof value === 'string' ? 'string' : 'other';
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other) && typeOf(one) === typeOf(other);
}
