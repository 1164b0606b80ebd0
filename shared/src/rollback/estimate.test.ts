import { expect, test } from '@jest/globals';
import { estimateDown, estimateRestore, estimateUndo } from './estimate.ts';
import { everything, secondsOfReading } from './undo/read-whole.ts';

const digest = { documents: 10, bytes: 300e6, sum: '0'.repeat(32) };
const point = { collections: [{ name: 'orders', type: 'collection' as const, options: '{}', indexes: [], documents: 10, digest }] };

test('an undo takes its documents and the proof, a restore its bytes or documents and the proof', () => {
  expect(estimateUndo({ documents: 100_000, point, readWhole: everything })).toBe(1_000 + 10_000 + 2_000);
  expect(estimateUndo({ documents: 100_000, point, readWhole: secondsOfReading })).toBe(1_000 + 10_000 + 2_000);
  const restore = { kind: 'restore', collection: 'orders', documents: 60_000, bytes: 300e6, why: '' } as const;
  const drop = { kind: 'drop', collection: 'added', documents: 5, why: '' } as const;
  expect(estimateRestore({ steps: [restore, drop], point })).toBe(1_000 + 10_000 + 2_000);
  expect(estimateRestore({ steps: [{ ...restore, bytes: 1, documents: 600_000 }], point })).toBe(1_000 + 10_000 + 2_000);
});

test('down takes as long as up did, which only the journal knows', () => {
  const files = [{ name: '2.js', path: '/2.js', hash: '' }];
  expect(estimateDown({ files, journal: new Map([['2.js', { milliseconds: 5_000 }]]), point })).toBe(1_000 + 5_000 + 2_000);
  expect(estimateDown({ files, journal: new Map(), point })).toBeUndefined();
});
