import { compareCensus, type CensusDifference } from '../checks/compare-census.ts';
import type { Census, CollectionCensus } from '../mongo/census.ts';
import type { RollbackPoint } from './point.ts';

/** `auto` takes the cheapest rung that is exact; `restore` puts back every collection, also those that look untouched. */
export const strategies = ['auto', 'restore-collections', 'restore'] as const;
export type Strategy = (typeof strategies)[number];
/** How far up the ladder a rollback goes; `none`: there is nothing to roll back. */
export type Rung = 'none' | 'restore-collections' | 'restore';

export type RollbackStep =
  /** Replaces the collection, or makes it again, from the backup. */
  | { readonly kind: 'restore'; readonly collection: string; readonly documents: number; readonly bytes: number; readonly why: string }
  /** Drops a collection that was not there at the rollback point. */
  | { readonly kind: 'drop'; readonly collection: string; readonly documents: number; readonly why: string };

/** A collection of which the backup does not hold what the rollback point says. */
export interface Conflict {
  readonly collection: string;
  readonly why: string;
  /** Whether the backup holds the collection at all. */
  readonly restorable: boolean;
}

export interface RollbackPlan {
  readonly rung: Rung;
  /** What differs from the rollback point now. */
  readonly differences: readonly CensusDifference[];
  readonly steps: readonly RollbackStep[];
  readonly conflicts: readonly Conflict[];
  /** What the database must hold afterwards: the point, or the backup where that differs. */
  readonly expected: Census;
}

export interface PlanInput {
  readonly point: Pick<RollbackPoint, 'database' | 'census'>;
  /** What the database holds now, with digests. */
  readonly now: Census;
  /** What the backup holds of the database, with digests; `undefined` when there is no backup. */
  readonly backup: Census | undefined;
  readonly strategy: Strategy;
}

/** What has to be done to bring the database back to the rollback point. Pure. */
export function planRollback({ point, now, backup, strategy }: PlanInput): RollbackPlan {
  const differences = compareCensus(point.census, now);
  const wanted = new Map(point.census.collections.map((collection) => [collection.name, collection]));
  const touched = strategy === 'restore' && differences.length > 0 ? [...wanted.keys()] : namesOf(differences);
  const restored = touched.flatMap((name) => wanted.get(name) ?? []);
  const conflicts = restored.flatMap((collection) => conflictOf(collection, backup));
  const expected = expectedAfter(point.census, backup, conflicts);
  const standing = new Set(namesOf(compareCensus(expected, now)));
  const steps = [
    ...restored
      .filter(({ name }) => standing.has(name) || strategy === 'restore')
      .map((collection) => restoreStep(collection, expected, differences)),
    ...now.collections.filter(({ name }) => !wanted.has(name)).map(dropStep),
  ];
  return { rung: rungOf(steps, strategy), differences, steps, conflicts, expected };
}

function rungOf(steps: readonly RollbackStep[], strategy: Strategy): Rung {
  if (steps.length === 0) return 'none';
  return strategy === 'restore' ? 'restore' : 'restore-collections';
}

function conflictOf(wanted: CollectionCensus, backup: Census | undefined): Conflict[] {
  const held = backup?.collections.find(({ name }) => name === wanted.name);
  if (held === undefined) return [{ collection: wanted.name, why: 'it is not in the backup', restorable: false }];
  const differences = compareCensus(onlyOne(wanted), onlyOne(held));
  if (differences.length === 0) return [];
  return [{ collection: wanted.name, why: `its ${describe(differences)} in the backup`, restorable: true }];
}

/** The point, with the conflicting collections as the backup has them. */
function expectedAfter(point: Census, backup: Census | undefined, conflicts: readonly Conflict[]): Census {
  const collections = point.collections.map((collection) => {
    if (!conflicts.some((conflict) => conflict.collection === collection.name)) return collection;
    return backup?.collections.find(({ name }) => name === collection.name) ?? collection;
  });
  return { ...point, collections };
}

function restoreStep({ name }: CollectionCensus, expected: Census, differences: readonly CensusDifference[]): RollbackStep {
  const found = differences.filter(({ collection }) => collection === name);
  const held = expected.collections.find((collection) => collection.name === name);
  return {
    kind: 'restore',
    collection: name,
    documents: held?.documents ?? 0,
    bytes: held?.digest?.bytes ?? 0,
    why: found.length === 0 ? 'full restore was asked for' : describe(found),
  };
}

function dropStep({ name, documents }: CollectionCensus): RollbackStep {
  return { kind: 'drop', collection: name, documents, why: 'not there at the rollback point' };
}

function namesOf(differences: readonly CensusDifference[]): readonly string[] {
  return [...new Set(differences.map(({ collection }) => collection))];
}

function onlyOne(collection: CollectionCensus): Census {
  return { database: '', takenAt: '', collections: [collection] };
}

/** Differences of one collection in a few words: `documents 3 → 2, indexes`. */
function describe(differences: readonly CensusDifference[]): string {
  return differences
    .map(({ what, before, after }) => {
      if (what === 'documents' || what === 'type') return `${what} ${before} → ${after}`;
      return what === 'digest' ? 'contents' : what;
    })
    .join(', ');
}
