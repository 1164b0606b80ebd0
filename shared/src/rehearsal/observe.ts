import { effectsBetween, type CollectionEffects } from './effects.ts';
import { planQueries, type QueryPlan, type QueryPlanChange } from './query-plans.ts';
import type { Room } from './room.ts';
import { usualLimits, type Observed } from './rules/rule.ts';
import type { State } from './state/capture.ts';
import type { Stepped } from './stepping.ts';
import { findUndated } from './undated.ts';

export interface FirstRun {
  readonly step: Stepped;
  readonly before: State;
  /** Plans of the watched queries before. */
  readonly plans: readonly QueryPlan[];
}

export interface SeenOfUp {
  readonly effects: readonly CollectionEffects[];
  readonly observed: Observed;
  /** Plans of the watched queries now. */
  readonly plans: readonly QueryPlan[];
}

/** What the first `up` of a file did, while the copy is as it left it. */
export async function observeUp(room: Room, { step, before, plans }: FirstRun): Promise<SeenOfUp> {
  const { current: after, db, watchedQueries = [], documentsOfSource, ruleLimits } = room;
  const effects = effectsBetween(before, after, room.reveal);
  const counts = new Map(before.census.collections.map(({ name, documents }) => [name, documents]));
  const now = await planQueries(db, watchedQueries);
  const observed: Observed = {
    step,
    effects,
    before: counts,
    scale: (name) => Math.max(1, (documentsOfSource?.get(name) ?? 0) / Math.max(counts.get(name) ?? 0, 1)),
    options: new Map(before.census.collections.map(({ name, options }) => [name, options])),
    largest: new Map([...after.largest].map(([name, bytes]) => [name, { before: before.largest.get(name) ?? 0, after: bytes }])),
    earlier: [...room.first.values()].flatMap(({ observation }) => observation.statements),
    undated: await findUndated(db, step.observation),
    queries: watchedQueries.flatMap((query, index) => changeOf(query, plans[index], now[index])),
    takenBack: false,
    limits: { ...usualLimits, ...ruleLimits },
  };
  return { effects, observed, plans: now };
}

function changeOf(
  query: QueryPlanChange['query'],
  before: QueryPlan | undefined,
  after: QueryPlan | undefined,
): readonly QueryPlanChange[] {
  return before === undefined || after === undefined ? [] : [{ query, before, after }];
}
