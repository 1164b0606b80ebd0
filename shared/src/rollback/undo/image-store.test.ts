import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ImageStore } from './image-store.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'migration-guard-images-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Pieces of many lengths, some of which lie across the blocks of the store. */
const pieces = Array.from({ length: 300 }, (_, index) => Buffer.alloc((index * 7919) % 100_000, index));

describe.each([
  ['in memory', 2 ** 30],
  ['beyond the memory, in a file', 9 * 2 ** 20],
])('%s', (_, memoryBytes) => {
  test('every piece comes back, alone and together with others', () => {
    using store = new ImageStore(folder, memoryBytes);
    const places = pieces.map((piece) => store.keep(piece));
    expect(places.every((place, index) => store.read(place).equals(pieces[index] ?? Buffer.alloc(1)))).toBe(true);
    const runs = [...store.together(places.filter((_place, index) => index % 2 === 0))];
    expect(Buffer.concat(runs).equals(Buffer.concat(pieces.filter((_piece, index) => index % 2 === 0)))).toBe(true);
    expect(Math.max(...runs.map(({ length }) => length))).toBeLessThan(2 * 2 ** 20);
  });

  test('nothing is left in the folder', () => {
    using store = new ImageStore(folder, memoryBytes);
    for (const piece of pieces) store.keep(piece);
    expect(readdirSync(folder)).toHaveLength(memoryBytes === 2 ** 30 ? 0 : 1);
    store[Symbol.dispose]();
    expect(readdirSync(folder)).toEqual([]);
  });
});

test('of no pieces there is no run', () => {
  using store = new ImageStore(folder);
  expect([...store.together([])]).toEqual([]);
});
