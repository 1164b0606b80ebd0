import type { Db, Document } from 'mongodb';
import { fromMongoError } from '../errors/mongo-errors.ts';
import { parseExtendedJson } from '../mongo/extended-json.ts';

/** A query of the application, as the configuration names it: plain or Extended JSON. */
export interface WatchedQuery {
  readonly collection: string;
  readonly filter: Readonly<Record<string, unknown>>;
  readonly sort?: Readonly<Record<string, 1 | -1>> | undefined;
}

/** How the server answers a query: what it scans, and whether it sorts in memory. */
export interface QueryPlan {
  /** `IXSCAN status_1`, `COLLSCAN`, `IDHACK`, … */
  readonly scan: string;
  readonly sorts: boolean;
}

export interface QueryPlanChange {
  readonly query: WatchedQuery;
  readonly before: QueryPlan;
  readonly after: QueryPlan;
}

/** Asks for the plans of the queries, in their order. Throws the errors of `fromMongoError`. */
export async function planQueries(db: Db, queries: readonly WatchedQuery[]): Promise<readonly QueryPlan[]> {
  const plans: QueryPlan[] = [];
  for (const { collection, filter, sort } of queries) {
    try {
      const find = { find: collection, filter: parseExtendedJson(JSON.stringify(filter)), ...(sort === undefined ? {} : { sort }) };
      const { queryPlanner } = await db.command({ explain: find, verbosity: 'queryPlanner' });
      plans.push(planOf((queryPlanner as { readonly winningPlan: Document }).winningPlan));
    } catch (error) {
      throw fromMongoError(error, `Asking for the plan of a query of ${collection}`);
    }
  }
  return plans;
}

/** Reads the winning plan of `explain`. Pure. */
export function planOf(winningPlan: Document): QueryPlan {
  const stages = [...stagesOf(winningPlan)];
  const scans = stages.filter(({ stage }) => /SCAN$|^IDHACK$|^EOF$|^EXPRESS/.test(String(stage)));
  const names = scans.map(({ stage, indexName }) => (indexName === undefined ? String(stage) : `${stage} ${indexName}`));
  return { scan: [...new Set(names)].join(', '), sorts: stages.some(({ stage }) => stage === 'SORT') };
}

/** A stage and those below it; the plan of the newer engine lies in `queryPlan`, those of shards in `shards`. */
function* stagesOf(plan: Document): Generator<Document> {
  if (typeof plan['stage'] === 'string') yield plan;
  const below = [plan['queryPlan'], plan['inputStage'], ...((plan['inputStages'] ?? []) as Document[]), plan['winningPlan']];
  const shards = ((plan['shards'] ?? []) as Document[]).map(({ winningPlan }) => winningPlan as Document);
  for (const one of [...below, ...shards]) if (typeof one === 'object' && one !== null) yield* stagesOf(one as Document);
}
