import { expect, test } from '@jest/globals';
import { formatCount } from './format-count.ts';

test.each([0, 7, 999, 1_000, 12_345, 123_456, 1_234_567, 9_007_199_254_740_991, -1_234])('writes %d as English does', (count) => {
  expect(formatCount(count)).toBe(count.toLocaleString('en'));
});
