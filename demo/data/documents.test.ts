import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { BSON } from 'mongodb';
import { documentsOf, sizes, type CollectionName } from './documents.ts';

const names = Object.keys(sizes) as CollectionName[];

function fingerprint(collection: CollectionName, seed?: number): string {
  const hash = createHash('sha256');
  for (const document of documentsOf(collection, seed)) hash.update(BSON.serialize(document));
  return hash.digest('hex');
}

describe('documentsOf', () => {
  test('makes 200,000 documents in all', () => {
    expect(Object.values(sizes).reduce((sum, size) => sum + size, 0)).toBe(200_000);
    expect([...documentsOf('drivers')]).toHaveLength(sizes.drivers);
  });

  test.each(['drivers', 'products', 'sessions', 'events'] as const)(
    'makes the same bytes of %s each time, others from another seed',
    (name) => {
      expect(fingerprint(name)).toBe(fingerprint(name));
      expect(fingerprint(name, 1)).not.toBe(fingerprint(name, 2));
    },
  );

  test('never repeats an _id', () => {
    const seen = new Set<string>();
    for (const name of names) for (const { _id } of documentsOf(name)) seen.add(String(_id));
    expect(seen.size).toBe(200_000);
  });

  test('leaves a third of the orders without the field that the bad migration trusts', () => {
    let without = 0;
    for (const order of documentsOf('deliveryorders')) if (!('archived' in order)) without += 1;
    expect(without).toBe(Math.ceil(sizes.deliveryorders / 3));
  });
});
