import { expect, test } from '@jest/globals';
import { chooseWhole, everything, secondsOfReading } from './read-whole.ts';

const collection = (name: string, documents: number, bytes: number): Parameters<typeof chooseWhole>[0][number] => ({
  name,
  digest: { documents, bytes, sum: '0'.repeat(32) },
});

const all = [
  collection('large', 10, 2 ** 40),
  collection('many', 999_000, 10 * 2 ** 20),
  collection('small', 1_000, 100),
  collection('medium', 100, 246 * 2 ** 20),
];

test('the smallest collections are read whole, as long as all of them together take seconds', () => {
  expect([...chooseWhole(all, secondsOfReading)]).toEqual(['small', 'many']);
  expect([...chooseWhole(all.toSpliced(1, 1), secondsOfReading)]).toEqual(['small', 'medium']);
});

test('everything, and nothing but empty collections', () => {
  expect(chooseWhole(all, everything).size).toBe(4);
  expect([...chooseWhole([...all, collection('empty', 0, 0)], { documents: 0, bytes: 0 })]).toEqual(['empty']);
});
