import { beforeEach, expect, test } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { HashMemory } from './hash-memory.ts';
import { MemoryPool } from './memory-pool.ts';

const large = 4 * 2 ** 20;
let memoryPool: MemoryPool;

beforeEach(() => {
  memoryPool = new MemoryPool();
});

test('memory is used again when its lease has ended, and not before', () => {
  const first = memoryPool.take(large);
  const second = memoryPool.take(large);
  expect(second.buffer).not.toBe(first.buffer);
  memoryPool.leaseOf(first)?.end();
  const third = memoryPool.take(large);
  expect(third.buffer).toBe(first.buffer);
  expect(third).toHaveLength(large);
});

test('a lease that ends twice does not give away what somebody else has by now', () => {
  const first = memoryPool.take(large);
  const lease = memoryPool.leaseOf(first);
  lease?.end();
  const second = memoryPool.take(large);
  expect(second.buffer).toBe(first.buffer);
  lease?.end();
  expect(memoryPool.take(large).buffer).not.toBe(second.buffer);
});

test('V8 does not count what is taken: it would walk its heap for that', () => {
  const before = process.memoryUsage().external;
  const taken = Array.from({ length: 5 }, () => memoryPool.take(large));
  expect(process.memoryUsage().external - before).toBeLessThan(large);
  expect(taken.every((memory) => HashMemory.of(memory) !== undefined)).toBe(true);
});

test('part of the memory has the lease of the whole', () => {
  const memory = memoryPool.take(large);
  expect(memoryPool.leaseOf(memory.subarray(1_000, 2_000))).toBe(memoryPool.leaseOf(memory));
});

test('pieces that nobody gives back do not add up', () => {
  const taken = Array.from({ length: 30 }, () => memoryPool.take(large));
  const pieces = taken.filter((memory) => HashMemory.of(memory) !== undefined);
  expect(pieces).toHaveLength(10);
  expect(taken.every(({ length }) => length === large)).toBe(true);
  for (const memory of taken) memoryPool.leaseOf(memory)?.end();
  expect(pieces.map(({ buffer }) => buffer)).toContain(memoryPool.take(large).buffer);
});

test('a piece that nobody gave back makes room for another when it was collected', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let piece = 0; piece < 10; piece++) memoryPool.take(large);
  let another = HashMemory.of(memoryPool.take(large));
  expect(another).toBeUndefined();
  for (let turn = 0; turn < 100 && another === undefined; turn++) {
    collect();
    await setImmediate();
    another = HashMemory.of(memoryPool.take(large));
  }
  expect(another).toBeDefined();
});

test.each([100, 20 * 2 ** 20])('memory of %d bytes is nothing to keep', (length) => {
  const memory = memoryPool.take(length);
  expect(memory).toHaveLength(length);
  expect(memoryPool.leaseOf(memory)).toBeUndefined();
  expect(HashMemory.of(memory)).toBeUndefined();
});
