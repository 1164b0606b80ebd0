import { expect, test } from '@jest/globals';
import { HashMemory } from './hash-memory.ts';
import { memoryPool } from './memory-pool.ts';

const large = 4 * 2 ** 20;

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

test('part of the memory has the lease of the whole', () => {
  const memory = memoryPool.take(large);
  expect(memoryPool.leaseOf(memory.subarray(1_000, 2_000))).toBe(memoryPool.leaseOf(memory));
});

test.each([100, 20 * 2 ** 20])('memory of %d bytes is nothing to keep', (length) => {
  const memory = memoryPool.take(length);
  expect(memory).toHaveLength(length);
  expect(memoryPool.leaseOf(memory)).toBeUndefined();
  expect(HashMemory.of(memory)).toBeUndefined();
});
