import { expect, test } from '@jest/globals';
import { describeCounts } from './counts.ts';

test('numbers of documents are told where they differ', () => {
  const before = new Map([
    ['orders', 90],
    ['old', 2],
    ['same', 1],
  ]);
  const after = new Map([
    ['orders', 102],
    ['shops', 3],
    ['same', 1],
  ]);
  expect(describeCounts(before, after)).toBe('gone: old (2); orders: 90 → 102 documents; new: shops (3)');
  expect(describeCounts(before, before)).toBe('no number of documents changed');
});
