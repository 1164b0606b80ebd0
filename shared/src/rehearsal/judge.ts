import type { Census, CollectionCensus } from '../mongo/census.ts';
import type { Finding } from '../report/run-report.ts';
import { describeComparison } from './describe-difference.ts';
import { isSame, type StateComparison } from './state/compare-states.ts';
import type { Stepped } from './stepping.ts';

/** How much of a collection a migration may remove before it counts as a fault. */
export interface LossLimits {
  readonly maxPercent: number;
  /** By collection name, instead of `maxPercent`. */
  readonly expectedPercent: Readonly<Record<string, number>>;
}

/** What a migration did to the number of documents of one collection. */
export interface CountChange {
  readonly collection: string;
  /** Name after the migration, where it is another one. */
  readonly renamedTo?: string | undefined;
  readonly before: number;
  readonly after: number;
}

/** Collections with another number of documents than before, the renamed ones followed by their UUID. */
export function countChanges(before: Census, after: Census): readonly CountChange[] {
  const byName = new Map(after.collections.map((collection) => [collection.name, collection]));
  const old = before.collections.map((collection): CountChange => {
    const same = byName.get(collection.name);
    const now = same ?? renamedFrom(collection, after);
    const renamedTo = same === undefined && now !== undefined ? { renamedTo: now.name } : {};
    return { collection: collection.name, before: collection.documents, after: now?.documents ?? 0, ...renamedTo };
  });
  const known = new Set([...before.collections.map(({ name }) => name), ...old.map(({ renamedTo }) => renamedTo)]);
  const added = after.collections
    .filter(({ name }) => !known.has(name))
    .map(({ name, documents }): CountChange => ({ collection: name, before: 0, after: documents }));
  return [...old, ...added].filter((change) => change.before !== change.after || change.renamedTo !== undefined);
}

function renamedFrom({ uuid }: CollectionCensus, after: Census): CollectionCensus | undefined {
  return uuid === undefined ? undefined : after.collections.find((collection) => collection.uuid === uuid);
}

export interface Losing {
  /** The first `up`. */
  readonly step: Pick<Stepped, 'file' | 'observation'>;
  readonly place: { readonly file: string };
}

/** One error for each collection that loses more documents than it may. */
export function judgeLoss({ step, place }: Losing, changes: readonly CountChange[], limits: LossLimits): readonly Finding[] {
  return changes.flatMap(({ collection, before, after }) => {
    const percent = before === 0 ? 0 : ((before - after) / before) * 100;
    const allowed = limits.expectedPercent[collection] ?? limits.maxPercent;
    if (percent <= allowed) return [];
    const message = `${step.file.name} removes ${before - after} of ${before} documents of ${collection} (${percent.toFixed(0)} %, allowed are ${allowed} %).`;
    const line = lineOfLoss(step, collection);
    return [
      {
        severity: 'error' as const,
        rule: 'rehearsal/large-deletion',
        message,
        place: { ...place, ...(line === undefined ? {} : { line }) },
      },
    ];
  });
}

/** The line that removes the most of it. */
function lineOfLoss({ observation }: Losing['step'], name: string): number | undefined {
  const removing = observation.statements.filter(
    ({ collection, command, deleted }) => collection === name && (deleted > 0 || command === 'drop'),
  );
  return removing.sort((a, b) => b.deleted - a.deleted)[0]?.place?.line;
}

/** What `up` changed on the copy tells what `down` may be blamed for. */
export interface DownOptions {
  readonly upChangedNothing: boolean;
}

/** A `down` must bring back exactly what was there before `up`; a collection that it leaves behind empty is only a warning. */
export function judgeDown(file: string, comparison: StateComparison, { upChangedNothing }: DownOptions): readonly Finding[] {
  if (isSame(comparison)) return [];
  const { structure, contents } = comparison;
  const how = describeComparison(comparison);
  if (upChangedNothing) {
    const message = `down of ${file} changes data although its up changed nothing: ${how}.`;
    return [{ severity: 'error', rule: 'rehearsal/down-changes-data', message }];
  }
  const harmless = contents.length === 0 && structure.every(({ what, after }) => what === 'added' && after.startsWith('0 '));
  const message = `After down of ${file} the data is not what it was before up: ${how}.`;
  return [{ severity: harmless ? 'warning' : 'error', rule: 'rehearsal/down-not-exact', message }];
}

/**
 * After `down`, a second `up` must lead to the same data; what differs by nature is no difference. Documents that differ in other values
 * alone are a warning: a random value explains them.
 */
export function judgeRepeat(file: string, comparison: StateComparison): readonly Finding[] {
  if (isSame(comparison)) return [];
  const { structure, contents } = comparison;
  const valuesOnly =
    structure.every(({ what }) => what === 'digest') &&
    contents.every(({ added, removed, fields }) => added + removed === 0 && fields.every(({ change }) => change === 'changed'));
  const hint = valuesOnly ? ' A random value explains it; anything else is a fault.' : '';
  const message = `The second up of ${file} did not lead to the same data as the first: ${describeComparison(comparison)}.${hint}`;
  return [{ severity: valuesOnly ? 'warning' : 'error', rule: 'rehearsal/not-repeatable', message }];
}
