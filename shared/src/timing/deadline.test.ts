import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { deadlineAfter } from './deadline.ts';

test('a deadline may be a fraction of a millisecond', async () => {
  const deadline = deadlineAfter(0.5);
  await once(deadline, 'abort');
  expect(deadline.aborted).toBe(true);
});

test('without any time left it is over at once', () => {
  expect(deadlineAfter(0).aborted).toBe(true);
});

test('a deadline longer than any timer is not over at once', async () => {
  const deadline = deadlineAfter(60 * 86_400_000);
  await once(deadlineAfter(20), 'abort');
  expect(deadline.aborted).toBe(false);
});
