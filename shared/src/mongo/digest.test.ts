import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { xxhash128 } from 'hash-wasm';
import { addDigests, createDigester, digestSchema, emptyDigest, sameDigest, type Digest } from './digest.ts';

async function digestOf(documents: readonly Uint8Array[]): Promise<Digest> {
  const digester = await createDigester();
  for (const document of documents) digester.add(document);
  return digester.digest();
}

const documents = fc.array(fc.uint8Array({ minLength: 5, maxLength: 40 }), { maxLength: 20 });

describe('digest', () => {
  test('is the sum modulo 2^128 of the hashes', async () => {
    await fc.assert(
      fc.asyncProperty(documents, async (all) => {
        const hashes = await Promise.all(all.map((document) => xxhash128(document)));
        const sum = hashes.reduce((total, hash) => (total + BigInt(`0x${hash}`)) % 2n ** 128n, 0n);
        const bytes = all.reduce((total, { length }) => total + length, 0);
        expect(await digestOf(all)).toEqual({ documents: all.length, bytes, sum: sum.toString(16).padStart(32, '0') });
      }),
    );
  });

  test('does not depend on order and is the sum of its parts', async () => {
    await fc.assert(
      fc.asyncProperty(documents, documents, async (some, others) => {
        const whole = await digestOf([...others, ...some]);
        expect(addDigests(await digestOf(some), await digestOf(others))).toEqual(whole);
        expect(sameDigest(whole, await digestOf([...some, ...others]))).toBe(true);
      }),
    );
  });

  test('of nothing is the empty digest, and JSON brings it back', async () => {
    expect(await digestOf([])).toEqual(emptyDigest);
    expect(digestSchema.parse(JSON.parse(JSON.stringify(emptyDigest)))).toEqual(emptyDigest);
  });

  test('differs when one byte, one document or one copy differs', async () => {
    const base = [Buffer.from('aaaaa'), Buffer.from('bbbbb')];
    const digest = await digestOf(base);
    for (const other of [[Buffer.from('aaaab'), Buffer.from('bbbbb')], [Buffer.from('aaaaa')], [...base, Buffer.from('aaaaa')]]) {
      expect(sameDigest(digest, await digestOf(other))).toBe(false);
    }
  });
});
