import { describe, expect, test } from '@jest/globals';
import type { CensusDifference } from '../checks/compare-census.ts';
import type { Census, CollectionCensus } from '../mongo/census.ts';
import { countChanges, judgeDown, judgeLoss, judgeRepeat } from './judge.ts';

const collection = (name: string, documents: number, uuid = name): CollectionCensus => ({
  name,
  type: 'collection',
  uuid,
  options: '{}',
  indexes: [],
  documents,
});
const census = (...collections: CollectionCensus[]): Census => ({ database: 'shop', takenAt: '', collections });
const difference = (what: CensusDifference['what'], after = ''): CensusDifference => ({ collection: 'orders', what, before: '', after });

describe('countChanges', () => {
  test('names what grew, shrank, came, went and was renamed', () => {
    const before = census(collection('same', 5), collection('gone', 2), collection('old', 7, 'u1'), collection('shrunk', 9));
    const after = census(collection('same', 5), collection('new', 7, 'u1'), collection('shrunk', 6), collection('added', 1));
    expect(countChanges(before, after)).toEqual([
      { collection: 'gone', before: 2, after: 0 },
      { collection: 'old', renamedTo: 'new', before: 7, after: 7 },
      { collection: 'shrunk', before: 9, after: 6 },
      { collection: 'added', before: 0, after: 1 },
    ]);
  });
});

describe('judgeLoss', () => {
  const limits = { maxPercent: 10, expectedPercent: { carts: 100 } };

  test.each([
    [90, 0],
    [89, 1],
    [0, 1],
    [110, 0],
  ])('of 100 documents %d left are %d findings', (after, findings) => {
    expect(judgeLoss('1.js', [{ collection: 'orders', before: 100, after }], limits)).toHaveLength(findings);
  });

  test('a collection may be meant to lose more', () => {
    expect(judgeLoss('1.js', [{ collection: 'carts', before: 100, after: 0 }], limits)).toEqual([]);
  });
});

describe('judgeDown and judgeRepeat', () => {
  test('no difference is no finding', () => {
    expect([...judgeDown('1.js', []), ...judgeRepeat('1.js', [])]).toEqual([]);
  });

  test.each([
    ['other contents', difference('digest'), 'error'],
    ['a collection left behind with documents', difference('added', '4 documents'), 'error'],
    ['a collection left behind empty', difference('added', '0 documents'), 'warning'],
    ['other indexes', difference('indexes'), 'error'],
  ])('after down, %s is an %s', (_what, found, severity) => {
    expect(judgeDown('1.js', [found])).toMatchObject([{ severity, rule: 'rehearsal/down-not-exact' }]);
  });

  test.each([
    ['other contents', difference('digest'), 'warning'],
    ['other counts', difference('documents'), 'error'],
  ])('after the second up, %s is an %s', (_what, found, severity) => {
    expect(judgeRepeat('1.js', [found])).toMatchObject([{ severity, rule: 'rehearsal/not-repeatable' }]);
  });
});
