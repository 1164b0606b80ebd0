import { expect, test } from '@jest/globals';
import { planOf } from './query-plans.ts';

const index = { stage: 'IXSCAN', indexName: 'status_1' };

test.each([
  ['an index', { stage: 'FETCH', inputStage: index }, { scan: 'IXSCAN status_1', sorts: false }],
  ['the whole collection, sorted', { stage: 'SORT', inputStage: { stage: 'COLLSCAN' } }, { scan: 'COLLSCAN', sorts: true }],
  [
    'two indexes',
    { stage: 'OR', inputStages: [index, { ...index, indexName: 'b_1' }] },
    { scan: 'IXSCAN status_1, IXSCAN b_1', sorts: false },
  ],
  [
    'the newer engine',
    { queryPlan: { stage: 'FETCH', inputStage: index }, slotBasedPlan: { stages: '' } },
    { scan: 'IXSCAN status_1', sorts: false },
  ],
  [
    'shards',
    { stage: 'SHARD_MERGE', shards: [{ winningPlan: { stage: 'FETCH', inputStage: index } }, { winningPlan: { stage: 'COLLSCAN' } }] },
    { scan: 'IXSCAN status_1, COLLSCAN', sorts: false },
  ],
  ['an _id', { stage: 'IDHACK' }, { scan: 'IDHACK', sorts: false }],
])('reads a plan by %s', (_how, plan, expected) => {
  expect(planOf(plan)).toEqual(expected);
});
