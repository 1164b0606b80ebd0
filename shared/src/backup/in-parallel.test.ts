import { describe, expect, test } from '@jest/globals';
import { Budget } from './budget.ts';
import { inParallel } from './in-parallel.ts';

describe('inParallel', () => {
  test('runs everything, never more than its width at a time', async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    await inParallel([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      done.push(item);
    });
    expect(done.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(most).toBe(3);
  });

  test('starts nothing after a failure and waits for what is running', async () => {
    const ended: number[] = [];
    const work = async (item: number): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve));
      if (item === 1) throw new Error('one');
      await new Promise((resolve) => setImmediate(resolve));
      ended.push(item);
    };
    await expect(inParallel([1, 2, 3, 4], 2, work)).rejects.toThrow('one');
    expect(ended).toEqual([2]);
  });

  test('runs as many as weigh its room together, the heavy ones alone', async () => {
    const running: number[] = [];
    const together: string[] = [];
    const width = { most: 3, room: 10, weightOf: (item: number) => item };
    await inParallel([20, 6, 5, 4, 1, 1, 1, 1], width, async (item) => {
      running.push(item);
      together.push(running.join(' '));
      await new Promise((resolve) => setImmediate(resolve));
      running.splice(running.indexOf(item), 1);
    });
    expect(together).toEqual(['20', '6', '5', '5 4', '5 4 1', '4 1 1', '1 1 1', '1 1 1']);
  });
});

describe('Budget', () => {
  test('lets producers wait until there is room', async () => {
    const budget = new Budget(10);
    budget.hold(10);
    let passed = false;
    const waiting = budget.room().then(() => (passed = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(passed).toBe(false);
    budget.release(1);
    await waiting;
    expect(passed).toBe(true);
  });
});
