import { describe, expect, test } from '@jest/globals';
import type { Census, CollectionCensus } from '../mongo/census.ts';
import { compareCensus } from './compare-census.ts';

const orders: CollectionCensus = {
  name: 'orders',
  type: 'collection',
  uuid: 'a',
  options: '{}',
  indexes: ['{"v":{"$numberInt":"2"},"key":{"_id":{"$numberInt":"1"}},"name":"_id_"}'],
  documents: 3,
  digest: { documents: 3, bytes: 120, sum: '0'.repeat(32) },
};

function census(...collections: readonly CollectionCensus[]): Census {
  return { database: 'shop', takenAt: '2026-01-01T00:00:00.000Z', collections };
}

function changes(before: Census, after: Census): readonly string[] {
  return compareCensus(before, after).map(({ collection, what }) => `${collection} ${what}`);
}

describe('comparing two censuses', () => {
  test('finds nothing between equal ones, whatever their UUIDs and times', () => {
    const restored = { ...census({ ...orders, uuid: 'b' }), takenAt: '2026-01-02T00:00:00.000Z' };
    expect(compareCensus(census(orders), restored)).toEqual([]);
  });

  test('names missing and added collections with their sizes, sorted by name', () => {
    const view: CollectionCensus = {
      name: 'a_view',
      type: 'view',
      options: '{"viewOn":"orders","pipeline":[]}',
      indexes: [],
      documents: 0,
    };
    expect(compareCensus(census(orders), census(view))).toEqual([
      { collection: 'a_view', what: 'added', before: '', after: 'view' },
      { collection: 'orders', what: 'missing', before: '3 documents', after: '' },
    ]);
  });

  test('names a number of documents, and not the digest that follows from it', () => {
    const after = census({ ...orders, documents: 2, digest: { documents: 2, bytes: 80, sum: '1'.repeat(32) } });
    expect(compareCensus(census(orders), after)).toEqual([{ collection: 'orders', what: 'documents', before: '3', after: '2' }]);
  });

  test('names a digest when the same number of documents reads otherwise', () => {
    const after = census({ ...orders, digest: { documents: 3, bytes: 120, sum: '1'.repeat(32) } });
    expect(changes(census(orders), after)).toEqual(['orders digest']);
  });

  test('leaves digests alone where one side has none', () => {
    const { digest: _, ...counted } = orders;
    expect(compareCensus(census(orders), census(counted))).toEqual([]);
  });

  test('names only the indexes that one side has', () => {
    const after = census({ ...orders, indexes: [...orders.indexes, '{"name":"total_1"}'] });
    expect(compareCensus(census(orders), after)).toEqual([
      { collection: 'orders', what: 'indexes', before: '', after: '{"name":"total_1"}' },
    ]);
  });

  test('names options and indexes of one collection apart', () => {
    const after = census({ ...orders, options: '{"validator":{}}', indexes: [] });
    expect(changes(census(orders), after)).toEqual(['orders options', 'orders indexes']);
  });

  test('says no more than the type when a collection became a view', () => {
    const after = census({ name: 'orders', type: 'view', options: '{"viewOn":"other"}', indexes: [], documents: 0 });
    expect(changes(census(orders), after)).toEqual(['orders type']);
  });
});
