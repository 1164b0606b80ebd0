import { compareCensus, type CensusDifference } from '../checks/compare-census.ts';
import type { Census, CollectionCensus } from '../mongo/census.ts';
import type { Attribution } from './attribution.ts';
import type { RollbackPoint } from './point.ts';

/** How much a restore puts back: what the migrations left different, or every collection of the point. */
export type Extent = 'differing' | 'everything';

export type RestoreStep =
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

/** Writes since the point that the steps would destroy. */
export interface Loss {
  readonly collection: string;
  readonly writes: number;
  /** Whether they are certainly not the migrations' own. */
  readonly certain: boolean;
}

/** A collection that differs from the point by the writes of others alone: it is left as it is. */
export interface Kept {
  readonly collection: string;
  readonly writes: number;
}

export interface RestorePlan {
  /** What differs from the rollback point now. */
  readonly differences: readonly CensusDifference[];
  readonly steps: readonly RestoreStep[];
  readonly conflicts: readonly Conflict[];
  readonly losses: readonly Loss[];
  readonly kept: readonly Kept[];
  /** What the database must hold afterwards, without what is kept: the point, or the backup where that differs. */
  readonly expected: Census;
}

export interface PlanInput {
  readonly point: Pick<RollbackPoint, 'database' | 'census'>;
  /** What the database holds now, with digests. */
  readonly now: Census;
  /** What the backup holds of the database, with digests; `undefined` when there is no backup. */
  readonly backup: Census | undefined;
  readonly extent: Extent;
  readonly attribution: Attribution;
}

/** What has to be restored and dropped to bring the database back to the rollback point. Pure. */
export function planRestore({ point, now, backup, extent, attribution }: PlanInput): RestorePlan {
  const differences = compareCensus(point.census, now);
  const wanted = new Map(point.census.collections.map((collection) => [collection.name, collection]));
  const differing = namesOf(differences);
  const kept = differing
    .filter((name) => isOthers(name, attribution) && (extent === 'differing' || !wanted.has(name)))
    .map((name) => ({ collection: name, writes: othersOf(name, attribution) }));
  const isKept = (name: string): boolean => kept.some(({ collection }) => collection === name);
  const chosen = extent === 'everything' && differing.some((name) => !isKept(name)) ? [...wanted.keys()] : differing;
  const restored = chosen.filter((name) => !isKept(name)).flatMap((name) => wanted.get(name) ?? []);
  const conflicts = restored.flatMap((collection) => conflictOf(collection, backup));
  const expected = expectedAfter(point.census, backup, conflicts);
  const standing = new Set(namesOf(compareCensus(expected, now)));
  const steps = [
    ...restored
      .filter(({ name }) => standing.has(name) || extent === 'everything')
      .map((collection) => restoreStep(collection, expected, differences)),
    ...now.collections.filter(({ name }) => !wanted.has(name) && !isKept(name)).map(dropStep),
  ];
  return {
    differences,
    steps,
    conflicts,
    losses: steps.flatMap(({ collection }) => lossesOf(collection, attribution)),
    kept,
    expected: { ...expected, collections: expected.collections.filter(({ name }) => !isKept(name)) },
  };
}

/** Whether nobody but others wrote to a collection since the point. */
function isOthers(name: string, attribution: Attribution): boolean {
  return attribution.known && !attribution.touched.has(name) && attribution.others.has(name);
}

function othersOf(name: string, attribution: Attribution): number {
  return attribution.known ? (attribution.others.get(name) ?? 0) : 0;
}

function lossesOf(collection: string, attribution: Attribution): Loss[] {
  if (!attribution.known) return [];
  const uncertain = attribution.uncertain.get(collection) ?? 0;
  const others = othersOf(collection, attribution);
  return [
    ...(others > 0 ? [{ collection, writes: others, certain: true }] : []),
    ...(uncertain > 0 ? [{ collection, writes: uncertain, certain: false }] : []),
  ];
}

function conflictOf(wanted: CollectionCensus, backup: Census | undefined): Conflict[] {
  const held = backup?.collections.find(({ name }) => name === wanted.name);
  if (held === undefined) return [{ collection: wanted.name, why: 'it is not in the backup', restorable: false }];
  // What a backup by the oplog holds is proven when it is restored.
  const known = held.digest === undefined ? { ...held, documents: wanted.documents } : held;
  const differences = compareCensus(onlyOne(wanted), onlyOne(known));
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

function restoreStep({ name }: CollectionCensus, expected: Census, differences: readonly CensusDifference[]): RestoreStep {
  const found = differences.filter(({ collection }) => collection === name);
  const held = expected.collections.find((collection) => collection.name === name);
  return {
    kind: 'restore',
    collection: name,
    documents: held?.documents ?? 0,
    bytes: held?.digest?.bytes ?? 0,
    why: found.length === 0 ? 'everything is restored' : describe(found),
  };
}

function dropStep({ name, documents }: CollectionCensus): RestoreStep {
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
