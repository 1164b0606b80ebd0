import { expect, test } from '@jest/globals';
import { describeHalfDone, pointsOf, type HalfDoneSeen } from './half-done.ts';

test.each([
  [0, 10, []],
  [1, 10, []],
  [2, 10, [1]],
  [3, 10, [1, 2]],
  [6, 10, [1, 3, 5]],
  [1_000, 10, [1, 500, 999]],
  [1_000, 5_000, [500]],
])('of %d writes in %d ms, those after which it fails are %j', (writes, milliseconds, expected) => {
  expect(pointsOf(writes, milliseconds)).toEqual(expected);
});

test.each<[string, readonly Partial<HalfDoneSeen>[]]>([
  ['after 1, 3 of 6 writes: up again leads to the same data', [{ after: 1 }, { after: 3 }]],
  [
    'after 1 of 6 writes: up again leads to the same data; after 3 of 6 writes: up again leads to other data, down takes it back',
    [{ after: 1 }, { after: 3, again: 'other data', down: 'exact' }],
  ],
  ['after 1 of 6 writes: up again fails, there is no down', [{ after: 1, again: 'fails', down: 'missing' }]],
])('%s', (text, all) => {
  expect(describeHalfDone(all.map((seen) => ({ after: 0, of: 6, ignored: false, again: 'same data', ...seen })))).toBe(text);
});
