import { describe, expect, test } from '@jest/globals';
import { BSON } from 'mongodb';
import {
  documentEnd,
  elementsOf,
  forEachDocument,
  forEachElement,
  forEachInArray,
  InvalidBson,
  rawDocument,
  stringOf,
} from './raw-bson.ts';

const raw = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const serialize = (value: object): Buffer => Buffer.from(BSON.serialize(value));

describe('elementsOf', () => {
  test('gives every element in its order, duplicates and integer-like names included', () => {
    // { b: 1, "1": 2, b: 3 }
    const document = raw('1a000000 10 6200 01000000 10 3100 02000000 10 6200 03000000 00');
    expect([...elementsOf(document)].map(({ name, value }) => [name, value.readInt32LE()])).toEqual([
      ['b', 1],
      ['1', 2],
      ['b', 3],
    ]);
  });

  test('gives the same elements to a visitor', () => {
    const document = serialize({ a: 1, b: 'x', c: { d: [1, 2] }, e: /x/i, f: null });
    const visited: string[] = [];
    forEachElement(document, ({ type, name, value }) => visited.push(`${type} ${name} ${value.toString('hex')}`));
    expect(visited).toEqual([...elementsOf(document)].map(({ type, name, value }) => `${type} ${name} ${value.toString('hex')}`));
    expect(visited).toHaveLength(5);
  });

  test('tells names apart, thousands of them, also what is not ASCII and names that look alike in another encoding', () => {
    const all = [
      ...Array.from({ length: 20_000 }, (_, index) => `field${index * 7919}`),
      '',
      '\u00e9',
      '\u00c3\u00a9',
      '\u007f',
      '\u0080',
      'na\u00efve',
      'na\u00c3\u00afve',
      '\u{1f600}',
      'a.b',
      '$a',
      '__proto__',
    ];
    const read = (): string[] => all.flatMap((name) => [...elementsOf(serialize(new Map([[name, 1]])))].map((element) => element.name));
    expect(read()).toEqual(all);
    expect(read()).toEqual(all);
  });

  test('gives the value of a text', () => {
    const [element] = elementsOf(serialize({ a: 'naïve 😀' }));
    expect(element === undefined ? '' : stringOf(element.value)).toBe('naïve 😀');
  });

  test.each([
    ['an unknown type', '0a000000 20 6100 0000 00', 7],
    ['a text longer than the document', '0f000000 02 6100 ff000000 616200 00', 7],
    ['a name without an end', '09000000 08 61616100', 4],
    ['a negative length', '0f000000 02 6100 ffffffff 616200 00', 7],
    ['a regular expression without an end', '0a000000 0b 6100 6162 00', 7],
  ])('refuses %s with its offset', (_what, hex, offset) => {
    expect(() => [...elementsOf(raw(hex))]).toThrow(expect.objectContaining({ name: 'InvalidBson', offset }));
  });
});

describe('rawDocument', () => {
  test('puts elements together to the document that they came from', () => {
    const document = serialize({ a: 1, '\u00e9': 'x', '': { d: [] }, '\u{1f600}': null });
    expect(rawDocument([...elementsOf(document)])).toEqual(document);
    expect(rawDocument([])).toEqual(serialize({}));
  });
});

describe('documentEnd', () => {
  test.each([
    ['a cut document', '0600000010'],
    ['a length below five', '04000000 00'],
    ['a document of more than 16 MiB', 'ffffff7f 00'],
    ['a document without its closing zero', '05000000 01'],
    ['a length that is cut off', '0500'],
  ])('refuses %s', (_what, hex) => {
    expect(() => documentEnd(raw(hex), 0)).toThrow(InvalidBson);
  });
});

describe('walking', () => {
  test('finds the documents of a batch, beyond ten and a hundred of them', () => {
    const documents = Array.from({ length: 120 }, (_, index) => ({ _id: index }));
    const { value } = [...elementsOf(serialize({ batch: documents }))][0] ?? { value: Buffer.alloc(0) };
    const found: Buffer[] = [];
    forEachInArray(value, (start, end) => found.push(value.subarray(start, end)));
    expect(found).toEqual(documents.map(serialize));
  });

  test('refuses a batch of something else', () => {
    const { value } = [...elementsOf(serialize({ batch: [1] }))][0] ?? { value: Buffer.alloc(0) };
    expect(() => forEachInArray(value, () => undefined)).toThrow(InvalidBson);
  });

  test('finds documents one after another', () => {
    const documents = [serialize({}), serialize({ a: 1 }), serialize({ b: 'x' })];
    const found: number[] = [];
    forEachDocument(Buffer.concat(documents), (start, end) => found.push(end - start));
    expect(found).toEqual(documents.map(({ length }) => length));
  });
});
