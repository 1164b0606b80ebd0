import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { xxhash128 } from 'hash-wasm';
import { addDigests, createDigester, digestSchema, emptyDigest, sameDigest, type Digest } from './digest.ts';

function digestOf(documents: readonly Buffer[]): Digest {
  const digester = createDigester();
  for (const document of documents) digester.add(document);
  return digester.digest();
}

/** A document as far as its hash is concerned: its length, anything, and a zero. */
function documentOf(content: Uint8Array): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(4), content, Buffer.from([0])]);
  bytes.writeInt32LE(bytes.length);
  return bytes;
}

const documents = fc.array(fc.uint8Array({ maxLength: 40 }).map(documentOf), { maxLength: 20 });

describe('digest', () => {
  test('is the sum modulo 2^128 of the hashes', async () => {
    await fc.assert(
      fc.asyncProperty(documents, async (all) => {
        const hashes = await Promise.all(all.map((document) => xxhash128(document)));
        const sum = hashes.reduce((total, hash) => (total + BigInt(`0x${hash}`)) % 2n ** 128n, 0n);
        const bytes = all.reduce((total, { length }) => total + length, 0);
        expect(digestOf(all)).toEqual({ documents: all.length, bytes, sum: sum.toString(16).padStart(32, '0') });
      }),
    );
  });

  test('does not depend on order and is the sum of its parts', () => {
    fc.assert(
      fc.property(documents, documents, (some, others) => {
        const whole = digestOf([...others, ...some]);
        expect(addDigests(digestOf(some), digestOf(others))).toEqual(whole);
        expect(sameDigest(whole, digestOf([...some, ...others]))).toBe(true);
      }),
    );
  });

  test('of nothing is the empty digest, and JSON brings it back', () => {
    expect(digestOf([])).toEqual(emptyDigest);
    expect(digestSchema.parse(JSON.parse(JSON.stringify(emptyDigest)))).toEqual(emptyDigest);
  });

  test('differs when one byte, one document or one copy differs', () => {
    const [a, b, c] = [documentOf(Buffer.from('aaaaa')), documentOf(Buffer.from('bbbbb')), documentOf(Buffer.from('aaaab'))];
    const base = [a, b];
    const digest = digestOf(base);
    for (const other of [[c, b], [a], [...base, a]]) {
      expect(sameDigest(digest, digestOf(other))).toBe(false);
    }
  });
});
