import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { createXXHash128 } from 'hash-wasm';
import { BSON } from 'mongodb';
import { hashDocuments, joinAndHash } from './document-hash.ts';
import { HashMemory } from './hash-memory.ts';
import { elementsOf, InvalidBson } from './raw-bson.ts';

/** Something with the length and the end of a document. */
function documentOf(length: number): Buffer {
  const bytes = randomBytes(length);
  bytes.writeInt32LE(length);
  bytes[length - 1] = 0;
  return bytes;
}

function arrayOf(documents: readonly object[]): Buffer {
  const [element] = elementsOf(Buffer.from(BSON.serialize({ batch: documents })));
  return element?.value ?? Buffer.alloc(0);
}

// The other implementation.
const hasher = await createXXHash128();
const hashOf = (bytes: Buffer): bigint => BigInt(`0x${hasher.init().update(bytes).digest('hex')}`);

describe('the hash of a document', () => {
  test('is xxHash128 for every length through all of its cases, and for large ones', () => {
    const lengths = [...Array.from({ length: 2_300 }, (_, index) => index + 5), 65_535, 65_536, 65_537, 1_000_003, 16 * 2 ** 20];
    const wrong = lengths.filter((length) => {
      const document = documentOf(length);
      const { documents, sum } = hashDocuments(document);
      return documents !== 1 || sum !== hashOf(document);
    });
    expect(wrong).toEqual([]);
  });
});

describe('many documents', () => {
  const all = Array.from({ length: 1_200 }, (_, index) => ({ _id: index, text: 'x'.repeat(index) }));
  const raw = all.map((document) => Buffer.from(BSON.serialize(document)));
  const sum = raw.reduce((total, document) => total + hashOf(document), 0n) % 2n ** 128n;

  test('are hashed one after another, whatever was hashed before', () => {
    hashDocuments(Buffer.concat([...raw, ...raw]));
    expect(hashDocuments(Buffer.concat(raw))).toEqual({ documents: raw.length, sum });
    expect(hashDocuments(Buffer.alloc(0))).toEqual({ documents: 0, sum: 0n });
  });

  test('of a batch are hashed and moved together where they stand', () => {
    const batch = arrayOf(all);
    const joined = Buffer.concat(raw);
    const run = joinAndHash(batch);
    expect(run).toEqual({ documents: raw.length, sum, bytes: joined, lastStart: joined.length - (raw.at(-1)?.length ?? 0) });
    expect(run.bytes.buffer).toBe(batch.buffer);
    expect(joinAndHash(arrayOf([]))).toMatchObject({ documents: 0, sum: 0n, bytes: Buffer.alloc(0) });
  });

  test('are hashed and moved without a copy where they lie in such memory, wherever in it', () => {
    const memory = new HashMemory(4 * 2 ** 20);
    const batch = arrayOf(all);
    const joined = Buffer.concat(raw);
    memory.bytes.fill(0xff);
    const inPlace = memory.bytes.subarray(1_001, 1_001 + batch.copy(memory.bytes, 1_001));
    const run = joinAndHash(inPlace);
    expect(run).toEqual({ documents: raw.length, sum, bytes: joined, lastStart: joined.length - (raw.at(-1)?.length ?? 0) });
    expect(hashDocuments(run.bytes)).toEqual({ documents: raw.length, sum });
    expect(memory.bytes[1_000]).toBe(0xff);
    expect(memory.bytes[1_001 + batch.length]).toBe(0xff);
  });

  test('in such memory are refused when they are damaged', () => {
    const memory = new HashMemory(4 * 2 ** 20);
    memory.bytes.fill(0xff);
    const place = (bytes: Buffer): Buffer => memory.bytes.subarray(5, 5 + bytes.copy(memory.bytes, 5));
    expect(() => joinAndHash(place(Buffer.from('0900000003313131ff', 'hex')))).toThrow(InvalidBson);
    expect(() => joinAndHash(place(arrayOf(all).subarray(0, -1)))).toThrow(InvalidBson);
    expect(() => hashDocuments(place(Buffer.concat(raw).subarray(0, -1)))).toThrow(InvalidBson);
  });

  test.each([
    ['a document that is cut off', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['a document without its closing zero', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([1])])],
    ['four bytes more', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(4)])],
    ['a negative length', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('ffffffff00', 'hex')])],
    ['a length beyond every document', () => documentOf(17 * 2 ** 20)],
  ])('are refused with %s', (_what, damage) => {
    expect(() => hashDocuments(damage(Buffer.concat(raw)))).toThrow(InvalidBson);
  });

  test.each([
    ['something other than documents', () => Buffer.from(BSON.serialize({ 0: 1 }))],
    [
      'a document that is longer than the batch',
      () => {
        const batch = arrayOf(all);
        batch.writeInt32LE(2 ** 24, 7);
        return batch;
      },
    ],
    ['an index without an end', () => Buffer.from('0900000003313131ff', 'hex')],
  ])('of a batch are refused with %s', (_what, batch) => {
    expect(() => joinAndHash(batch())).toThrow(InvalidBson);
  });
});
