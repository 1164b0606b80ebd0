import { describe, expect, test } from '@jest/globals';
import { BSON } from 'mongodb';
import { toExtendedJson } from '../mongo/extended-json.ts';
import { checkIndex, indexSettings } from './indexes.ts';

const index = (document: Record<string, unknown>): string => toExtendedJson(BSON.serialize({ v: 2, ...document }));

const census = {
  database: 'shop',
  takenAt: '2026-01-01T00:00:00.000Z',
  collections: [
    {
      name: 'orders',
      type: 'collection' as const,
      options: '{}',
      documents: 1,
      indexes: [
        index({ key: { _id: 1 }, name: '_id_' }),
        index({ key: { driver: 1, at: -1 }, name: 'driver_1_at_-1' }),
        index({ key: { number: 1 }, name: 'number_1', unique: true }),
        index({ key: { _fts: 'text', _ftsx: 1 }, name: 'search', weights: { title: 1, note: 1 } }),
      ],
    },
  ],
};

function statusOf(settings: unknown): string {
  return checkIndex(indexSettings.parse(settings), { census }).status;
}

describe('a named index', () => {
  test.each([
    { name: 'driver_1_at_-1' },
    { name: 'driver_1_at_-1', keys: { driver: 1, at: -1 } },
    { keys: { driver: 1, at: -1 }, unique: false },
    { keys: { number: 1 }, unique: true },
    { keys: { _id: 1 }, unique: true },
    { keys: { title: 'text', note: 'text' } },
  ])('%j is there', (wanted) => {
    expect(statusOf({ collection: 'orders', ...wanted })).toBe('passed');
  });

  test.each([
    { name: 'missing_1' },
    { keys: { at: -1, driver: 1 } },
    { name: 'driver_1_at_-1', keys: { driver: 1 } },
    { name: 'driver_1_at_-1', unique: true },
    { keys: { number: 1 }, unique: false },
    { keys: { title: 'text' } },
  ])('%j is not there', (wanted) => {
    expect(statusOf({ collection: 'orders', ...wanted })).toBe('failed');
  });

  test('of a collection that is not there is not there', () => {
    expect(checkIndex(indexSettings.parse({ collection: 'gone', name: 'x' }), { census })).toMatchObject({
      found: 'there is no collection gone',
      status: 'failed',
    });
  });

  test('needs a name or keys', () => {
    expect(indexSettings.safeParse({ collection: 'orders', unique: true }).success).toBe(false);
  });
});
