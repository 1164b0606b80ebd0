import { expect, test } from '@jest/globals';
import { parseQueries } from './query.ts';

test('a query names a collection and is Extended JSON, which keeps the order of its members', () => {
  expect(parseQueries(['shop.orders: {"10": 1, "9": {"$gt": {"$date": "2026-01-01T00:00:00Z"}}}'])).toEqual([
    { database: 'shop', collection: 'orders', filter: '{"10":{"$numberInt":"1"},"9":{"$gt":{"$date":{"$numberLong":"1767225600000"}}}}' },
  ]);
});

test.each([
  [['orders: {}'], 'not a namespace'],
  [['shop.orders'], 'query, line 1'],
  [['shop.orders: {"a": }'], 'query for shop.orders'],
  [['shop.a: {}', 'shop.a: {"b": 1}'], 'more than one for shop.a'],
])('%j is refused', (lines, message) => {
  expect(() => parseQueries(lines)).toThrow(expect.objectContaining({ code: 'input/invalid', message: expect.stringContaining(message) }));
});
