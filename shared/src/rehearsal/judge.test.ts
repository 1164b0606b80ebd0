import { describe, expect, test } from '@jest/globals';
import type { CensusDifference } from '../checks/compare-census.ts';
import type { Census, CollectionCensus } from '../mongo/census.ts';
import { nothingObserved, type Statement } from '../migration/observation.ts';
import { emptyStatement } from '../testing/statement.ts';
import type { ContentDifference } from './state/compare-contents.ts';
import type { FieldChange } from './state/field-differences.ts';
import { countChanges, judgeDown, judgeLoss, judgeRepeat } from './judge.ts';

const nothingSent: Statement = { ...emptyStatement, command: 'delete', multi: true };

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
  const removing = (line: number, deleted: number): Statement => ({ ...nothingSent, deleted, place: { file: '/migrations/1.js', line } });
  const statements = [removing(3, 2), removing(5, 9), removing(7, 1)];
  const file = { name: '1.js', path: '/migrations/1.js', hash: '' };
  const losing = { step: { file, observation: { ...nothingObserved, statements } }, place: { file: 'migrations/1.js' } };

  test.each([
    [90, 0],
    [89, 1],
    [0, 1],
    [110, 0],
  ])('of 100 documents %d left are %d findings', (after, findings) => {
    expect(judgeLoss(losing, [{ collection: 'orders', before: 100, after }], limits)).toHaveLength(findings);
  });

  test('stands at the line that removes the most', () => {
    expect(judgeLoss(losing, [{ collection: 'orders', before: 100, after: 0 }], limits)).toMatchObject([
      { severity: 'error', place: { file: 'migrations/1.js', line: 5 } },
    ]);
  });

  test('a collection may be meant to lose more', () => {
    expect(judgeLoss(losing, [{ collection: 'carts', before: 100, after: 0 }], limits)).toEqual([]);
  });
});

const contents = (parts: Partial<ContentDifference>): ContentDifference => ({
  collection: 'orders',
  added: 0,
  removed: 0,
  changed: 0,
  reordered: 0,
  natural: 0,
  fields: [],
  natures: [],
  ids: [],
  samples: [],
  lost: new Map(),
  ...parts,
});
const field = (change: FieldChange) => ({ path: 'total', change, types: 'int', documents: 3 });
const upChanged = { upChangedNothing: false };

describe('judgeDown and judgeRepeat', () => {
  test('no difference is no finding, and neither is one by nature', () => {
    const natural = {
      structure: [],
      contents: [contents({ natural: 3, natures: [{ path: 'at', nature: 'time of the run', documents: 3 }] })],
    };
    for (const same of [{ structure: [], contents: [] }, natural]) {
      expect([...judgeDown('1.js', same, upChanged), ...judgeRepeat('1.js', same)]).toEqual([]);
    }
  });

  test.each([
    ['other documents', { structure: [], contents: [contents({ changed: 3, ids: ['1'], fields: [field('changed')] })] }, 'error'],
    ['another order in arrays', { structure: [], contents: [contents({ reordered: 3, fields: [field('array-order')] })] }, 'error'],
    ['a collection left behind with documents', { structure: [difference('added', '4 documents')], contents: [] }, 'error'],
    ['a collection left behind empty', { structure: [difference('added', '0 documents')], contents: [] }, 'warning'],
    ['other indexes', { structure: [difference('indexes')], contents: [] }, 'error'],
  ])('after down, %s: %s', (_what, found, severity) => {
    expect(judgeDown('1.js', found, upChanged)).toMatchObject([{ severity, rule: 'rehearsal/down-not-exact' }]);
  });

  test('a down that changes data although its up changed none is a fault of its own, and documents and fields are named', () => {
    const found = { structure: [], contents: [contents({ changed: 3, ids: ['1', '2'], fields: [field('removed')] })] };
    const message =
      'down of 1.js changes data although its up changed nothing: orders: documents 3 changed: total removed (int) in 3, for example _id 1, 2.';
    expect(judgeDown('1.js', found, { upChangedNothing: true })).toEqual([
      { severity: 'error', rule: 'rehearsal/down-changes-data', message },
    ]);
  });

  test.each([
    ['other values alone', { structure: [], contents: [contents({ changed: 3, fields: [field('changed')] })] }, 'warning'],
    ['other fields', { structure: [], contents: [contents({ changed: 3, fields: [field('added')] })] }, 'error'],
    ['more documents', { structure: [], contents: [contents({ added: 1 })] }, 'error'],
    ['other indexes', { structure: [difference('indexes')], contents: [] }, 'error'],
  ])('after the second up, %s: %s', (_what, found, severity) => {
    expect(judgeRepeat('1.js', found)).toMatchObject([{ severity, rule: 'rehearsal/not-repeatable' }]);
  });
});
