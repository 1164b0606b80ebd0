import xxhash from 'hash-wasm/dist/xxhash128.umd.min.js';
import { z } from 'zod';

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

export function sameDigest(a: Digest, b: Digest): boolean {
  return a.documents === b.documents && a.bytes === b.bytes && a.sum === b.sum;
}

/** A digest that grows by one document at a time. */
export interface Digester {
  add(document: Uint8Array): void;
  digest(): Digest;
}

/** The hash function; WebAssembly is compiled once. It keeps no state between two documents, so all digesters share it. */
const loadingHasher = xxhash.createXXHash128();

export async function createDigester(): Promise<Digester> {
  const hasher = await loadingHasher;
  // Four 32-bit lanes as exact doubles, most significant first: carries are moved on long before 2^53.
  const lanes: [number, number, number, number] = [0, 0, 0, 0];
  let documents = 0;
  let bytes = 0;
  return {
    add(document) {
      hasher.init();
      hasher.update(document);
      const hash = hasher.digest('binary');
      lanes[0] += lane(hash, 0);
      lanes[1] += lane(hash, 4);
      lanes[2] += lane(hash, 8);
      lanes[3] += lane(hash, 12);
      documents++;
      bytes += document.length;
      if (documents % 2 ** 20 === 0) carry(lanes);
    },
    digest() {
      carry(lanes);
      return { documents, bytes, sum: lanes.map((value) => value.toString(16).padStart(8, '0')).join('') };
    },
  };
}

function lane(hash: Uint8Array, at: number): number {
  return (((hash[at] ?? 0) << 24) | ((hash[at + 1] ?? 0) << 16) | ((hash[at + 2] ?? 0) << 8) | (hash[at + 3] ?? 0)) >>> 0;
}

function carry(lanes: [number, number, number, number]): void {
  for (let index = 3; index > 0; index--) {
    const value = lanes[index] ?? 0;
    lanes[index] = value % 2 ** 32;
    lanes[index - 1] = (lanes[index - 1] ?? 0) + Math.floor(value / 2 ** 32);
  }
  lanes[0] %= 2 ** 32;
}

function hex(sum: bigint): string {
  return sum.toString(16).padStart(32, '0');
}
