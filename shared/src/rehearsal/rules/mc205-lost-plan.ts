import type { QueryPlan } from '../query-plans.ts';
import type { RecordedRule } from './rule.ts';

export const lostPlan: RecordedRule = {
  code: 'MC205',
  severity: 'warning',
  summary:
    'A query of the application (`rehearsal: queries`) reads the whole collection, or sorts in memory, where an index served it before.',
  advice: 'Build the index that it needs, before the old one is dropped.',
  bad: `export const up = async (db) => {
  await db.command({ collMod: 'orders', index: { name: 'shop_1', hidden: true } });
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').createIndex({ shop: 1, total: 1 });
};`,
  check: ({ queries }) =>
    queries
      .filter(({ before, after }) => (!reads(before) && reads(after)) || (!before.sorts && after.sorts))
      .map(({ query, before, after }) => {
        const fields = [...Object.keys(query.filter), ...Object.keys(query.sort ?? {})];
        const by = [...new Set(fields)].join(', ');
        return {
          message: `The query of ${query.collection} by ${by} was answered by ${planText(before)}, and is now by ${planText(after)}.`,
        };
      }),
};

function reads({ scan }: QueryPlan): boolean {
  return scan.includes('COLLSCAN');
}

function planText({ scan, sorts }: QueryPlan): string {
  return sorts ? `${scan} and a sort in memory` : scan;
}
