import { expect, test } from '@jest/globals';
import { formatDuration } from './duration.ts';

test.each([
  [0, '0.0 s'],
  [420, '0.4 s'],
  [12_345, '12.3 s'],
  [59_949, '59.9 s'],
  [59_950, '1 min 0 s'],
  [184_000, '3 min 4 s'],
  [3_599_600, '1 h 0 min'],
  [3_720_000, '1 h 2 min'],
])('%d ms is %s', (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
});
