import { describe, expect, test } from '@jest/globals';
import type { Census } from '../mongo/census.ts';
import { checkCounts, countsSettings } from './counts.ts';

function census(counts: Readonly<Record<string, number>>): Census {
  const collections = Object.entries(counts).map(([name, documents]) => ({
    name,
    type: 'collection' as const,
    options: '{}',
    indexes: [],
    documents,
  }));
  return { database: 'shop', takenAt: '2026-01-01T00:00:00.000Z', collections };
}

function statusOf(before: number | undefined, after: number | undefined, expectation?: unknown): string | undefined {
  const settings = countsSettings.parse(expectation === undefined ? {} : { collections: { orders: expectation } });
  const of = (count: number | undefined): Census => census(count === undefined ? {} : { orders: count });
  return checkCounts(of(before), of(after), settings)[0]?.status;
}

describe('the number of documents', () => {
  test.each([
    [1000, 1000, 'passed'],
    [1000, 900, 'passed'],
    [1000, 899, 'failed'],
    [1000, 1100, 'passed'],
    [1000, 1101, 'failed'],
    [0, 500, 'passed'],
    [0, undefined, 'passed'],
    [1, undefined, 'failed'],
    [3, 2, 'failed'],
  ])('from %s to %s without a setting: %s', (before, after, status) => {
    expect(statusOf(before, after)).toBe(status);
  });

  test.each([
    ['exact', 1000, 1000, 'passed'],
    ['exact', 1000, 999, 'failed'],
    ['exact', undefined, undefined, 'failed'],
    ['dropped', 1000, undefined, 'passed'],
    ['dropped', 1000, 1000, 'failed'],
    ['dropped', undefined, undefined, 'failed'],
    [{ tolerance: 50 }, 1000, 500, 'passed'],
    [{ tolerance: 50 }, 1000, 499, 'failed'],
    [{ tolerance: 0 }, 1000, 999, 'failed'],
    [{ expect: 120 }, 1000, 1120, 'passed'],
    [{ expect: 120 }, 1000, 1119, 'failed'],
    [{ expect: -3 }, 3, 0, 'passed'],
    [{ expect: 5 }, undefined, 5, 'passed'],
    ['ignore', 1000, 0, undefined],
  ])('with %j, from %s to %s: %s', (expectation, before, after, status) => {
    expect(statusOf(before, after, expectation)).toBe(status);
  });

  test('a failure says how much was lost, and is a signal', () => {
    const [lost] = checkCounts(census({ orders: 200_000 }), census({ orders: 133_333 }), countsSettings.parse({}));
    const what = 'orders holds 133333 documents instead of 200000 (-33.3 %)';
    expect(lost).toMatchObject({ expected: '200000 ± 10 %', found: '133333 (-33.3 %)', signals: { 'count-loss': { what } } });
  });

  test('growth is told apart from loss', () => {
    const [grown] = checkCounts(census({ orders: 10 }), census({ orders: 20 }), countsSettings.parse({}));
    expect(grown?.signals).toEqual({ 'count-growth': { value: 100, what: 'orders holds 20 documents instead of 10 (+100.0 %)' } });
  });

  test('new collections may appear, views are not counted', () => {
    const view = { name: 'v', type: 'view' as const, options: '{}', indexes: [], documents: 0 };
    const before = { ...census({}), collections: [view] };
    expect(checkCounts(before, census({ created: 7 }), countsSettings.parse({}))).toEqual([]);
  });
});
