import type { Collection, Db, Document } from 'mongodb';
import { fromMongoError } from '../errors/mongo-errors.ts';
import type { Census } from '../mongo/census.ts';
import type { Signals } from './detection.ts';

/** What one check found. `expected` and `found` are counts, names and types for people, never document contents. */
export interface CheckResult {
  /** Stable name of the kind of check, for example `verify/count-drift`. */
  readonly rule: `verify/${string}` | `preflight/${string}`;
  /** What was looked at: a collection, an index, a migration, a property of the server. */
  readonly subject: string;
  readonly expected: string;
  readonly found: string;
  readonly status: 'passed' | 'warned' | 'failed';
  /** What a failure means to the detection rules; every failure also counts as `failed-checks`. */
  readonly signals?: Signals;
}

/** The database that is checked. */
export interface CheckTarget {
  readonly db: Db;
  /** Taken for this verification, counts exact. */
  readonly census: Census;
  readonly signal?: AbortSignal | undefined;
}

/** Violations are counted up to this number, so that a check of a broken database ends. */
export const countLimit = 1_000;

/**
 * The collection, for a check that reads documents, or the result that says that it is not there: a query on a missing collection would
 * find nothing wrong.
 */
export function existing(
  target: CheckTarget,
  name: string,
  about: Pick<CheckResult, 'rule' | 'subject' | 'expected'>,
): { readonly collection: Collection } | { readonly missing: CheckResult } {
  const known = target.census.collections.some((collection) => collection.name === name);
  if (!known) return { missing: { ...about, found: `there is no collection ${name}`, status: 'failed' } };
  return { collection: target.db.collection(name) };
}

/** The number of documents that come out of `stages`, at most `countLimit`. Throws the errors of `fromMongoError`. */
export async function countUpTo(collection: Collection, stages: readonly Document[], signal: AbortSignal | undefined): Promise<number> {
  try {
    const [counted] = await collection
      .aggregate<{ count: number }>([...stages, { $limit: countLimit }, { $count: 'count' }], {
        allowDiskUse: true,
        readPreference: 'primary',
        ...(signal === undefined ? {} : { signal }),
      })
      .toArray();
    return counted?.count ?? 0;
  } catch (error) {
    signal?.throwIfAborted();
    throw fromMongoError(error, `Checking ${collection.namespace}`);
  }
}

/** `none`, `12`, or `1000 or more` where counting was ended. */
export function countText(count: number): string {
  if (count === 0) return 'none';
  return count >= countLimit ? `${countLimit} or more` : String(count);
}
