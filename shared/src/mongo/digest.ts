import { z } from 'zod';
import { hashDocuments, joinAndHash } from './document-hash.ts';
import type { HashedDocuments } from './hash-memory.ts';
import type { DocumentRun } from './raw-bson.ts';

export const digestSchema = z.object({
  documents: z.number().int().nonnegative(),
  bytes: z.number().int().nonnegative(),
  sum: z.string().regex(/^[0-9a-f]{32}$/),
});

/**
 * What a set of documents is, whatever their order: how many, how many bytes of BSON, and the sum modulo 2^128 of the xxHash128 of each
 * raw document, as 32 hex digits. Parts add up, so readers and frames can count on their own. It proves equality against accidents, not
 * against an attacker: that is the business of the SHA-256 of frames and manifest.
 */
export type Digest = z.infer<typeof digestSchema>;

export const emptyDigest: Digest = { documents: 0, bytes: 0, sum: '0'.repeat(32) };

export function addDigests(a: Digest, b: Digest): Digest {
  const sum = (BigInt(`0x${a.sum}`) + BigInt(`0x${b.sum}`)) & (2n ** 128n - 1n);
  return { documents: a.documents + b.documents, bytes: a.bytes + b.bytes, sum: hex(sum) };
}

/** What is left of `a` without the documents of `b`, which are all in it. */
export function subtractDigests(a: Digest, b: Digest): Digest {
  const sum = (BigInt(`0x${a.sum}`) - BigInt(`0x${b.sum}`)) & (2n ** 128n - 1n);
  return { documents: a.documents - b.documents, bytes: a.bytes - b.bytes, sum: hex(sum) };
}

export function sameDigest(a: Digest, b: Digest): boolean {
  return a.documents === b.documents && a.bytes === b.bytes && a.sum === b.sum;
}

/** A digest that grows. */
export interface Digester {
  /** Documents one after another, or a single one. Throws `InvalidBson`. */
  add(documents: Buffer): void;
  /** A BSON array of documents, which are moved together at its start, over what was there. Throws `InvalidBson`. */
  addArray(array: Buffer): DocumentRun;
  digest(): Digest;
}

export function createDigester(): Digester {
  let documents = 0;
  let bytes = 0;
  let sum = 0n;
  const count = (hashed: HashedDocuments, length: number): void => {
    documents += hashed.documents;
    bytes += length;
    sum += hashed.sum;
  };
  return {
    add(run) {
      count(hashDocuments(run), run.length);
    },
    addArray(array) {
      const run = joinAndHash(array);
      count(run, run.bytes.length);
      return run;
    },
    digest: () => ({ documents, bytes, sum: hex(sum & (2n ** 128n - 1n)) }),
  };
}

function hex(sum: bigint): string {
  return sum.toString(16).padStart(32, '0');
}
