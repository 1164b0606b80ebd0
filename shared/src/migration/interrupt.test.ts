import { describe, expect, test } from '@jest/globals';
import { describeBatch } from './interrupt.ts';

describe('how far a walk of the batch helper is', () => {
  test.each([
    [
      { name: 'orders', done: 12_000, total: 100_000, millisecondsLeft: 180_000 },
      'orders: 12,000 of 100,000 documents (12 %), about 3 min left',
    ],
    [{ name: 'orders', done: 5, total: 100, millisecondsLeft: 61_500 }, 'orders: 5 of 100 documents (5 %), about 62 s left'],
    [{ name: 'orders', done: 5 }, 'orders: 5 documents'],
    [{ name: 'orders', done: 0, total: 0 }, 'orders: 0 of 0 documents'],
    [{ name: 'orders', done: 120, total: 100 }, 'orders: 120 of 120 documents (100 %)'],
    [{ name: 'orders', done: 5, total: 10, waiting: 'paused' }, 'orders: 5 of 10 documents (50 %); waiting: paused'],
  ])('%o', (batch, text) => {
    expect(describeBatch(batch)).toBe(text);
  });
});
