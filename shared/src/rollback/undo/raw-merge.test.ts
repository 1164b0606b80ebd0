import { describe, expect, test } from '@jest/globals';
import { BSON, type Document } from 'mongodb';
import fc from 'fast-check';
import { asBuffer } from '../../mongo/raw-bson.ts';
import { changesOf, differenceOf, withChanges } from './raw-merge.ts';

const raw = (document: Document): Buffer => asBuffer(BSON.serialize(document));
const read = (bytes: Buffer): Document => BSON.deserialize(bytes);
const update = (parts: Document): Buffer => raw({ updatedFields: {}, removedFields: [], truncatedArrays: [], ...parts });

describe('changes of an event', () => {
  const original = { _id: 1, a: { b: [1, 2, { c: 3 }], d: 4 }, 'x.y': 5, z: 6 };

  test.each([
    ['a field in its place', { updatedFields: { 'a.d': 7 } }, { _id: 1, a: { b: [1, 2, { c: 3 }], d: 7 }, 'x.y': 5, z: 6 }],
    [
      'an element of an array',
      { updatedFields: { 'a.b.2.c': 9, 'a.b.3': 4 } },
      { _id: 1, a: { b: [1, 2, { c: 9 }, 4], d: 4 }, 'x.y': 5, z: 6 },
    ],
    ['a new field at the end', { updatedFields: { n: { m: 1 } } }, { ...original, n: { m: 1 } }],
    ['removed fields', { removedFields: ['a.d', 'z'] }, { _id: 1, a: { b: [1, 2, { c: 3 }] }, 'x.y': 5 }],
    ['a shorter array', { truncatedArrays: [{ field: 'a.b', newSize: 1 }] }, { _id: 1, a: { b: [1], d: 4 }, 'x.y': 5, z: 6 }],
    ['a name with a dot', { updatedFields: { 'x.y': 8 } }, { _id: 1, a: original.a, 'x.y': 8, z: 6 }],
    ['a field below one that is gone', { updatedFields: { 'q.r': 1 } }, { ...original, q: { r: 1 } }],
  ])('%s', (_what, parts, expected) => {
    const changed = read(withChanges(raw(original), changesOf(update(parts))));
    expect(changed).toEqual(expected);
    expect(Object.keys(changed)).toEqual(Object.keys(expected));
  });
});

test('the difference of two documents turns the one into the other', () => {
  const value = fc.letrec((tie) => ({
    leaf: fc.oneof(fc.integer(), fc.string(), fc.constant(null), fc.array(fc.integer(), { maxLength: 3 })),
    node: fc.oneof(
      { maxDepth: 3 },
      tie('leaf'),
      fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('node'), { noNullPrototype: true }),
    ),
  })).node;
  const documents = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), value, { noNullPrototype: true });
  fc.assert(
    fc.property(documents, documents, (before, after) => {
      const [from, to] = [raw(before), raw(after)];
      expect(read(withChanges(from, differenceOf(from, to)))).toEqual(read(to));
    }),
    { seed: 7, numRuns: 300 },
  );
});
