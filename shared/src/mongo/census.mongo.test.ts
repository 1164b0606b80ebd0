import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import { censusSchema, takeCensus, type Census } from './census.ts';
import type { Connection } from './connect.ts';
import { sameDigest } from './digest.ts';

describe('takeCensus', () => {
  const database = uniqueDatabase('census');
  const copy = uniqueDatabase('census_copy');
  let connection: Connection;
  let census: Census;

  const byName = (name: string): Census['collections'][number] | undefined => census.collections.find((entry) => entry.name === name);

  beforeAll(async () => {
    connection = await connectShared();
    const db = connection.client.db(database);
    await db
      .collection<{ _id: number }>('orders')
      .insertMany(Array.from({ length: 2_500 }, (_, _id) => ({ _id, text: 'x'.repeat(_id % 50) })));
    await db.collection('orders').createIndex({ text: 1, _id: -1 }, { name: 'by text' });
    await db.createCollection('Capped', { capped: true, size: 4096 });
    await db.createCollection('paid', { viewOn: 'orders', pipeline: [{ $match: { paid: true } }] });
    await db.createCollection('series', { timeseries: { timeField: 't', metaField: 'm' } });
    await db.collection('series').insertMany([
      { t: new Date(0), m: 1 },
      { t: new Date(1), m: 2 },
    ]);
    await db.createCollection('migration_lock');
    await db.createCollection('migration_restore_0');
    await db.collection<{ _id: number }>('changelog').insertOne({ _id: 1 });
    census = await takeCensus(connection.client, database, { digests: true });
  });

  afterAll(async () => {
    await dropDatabases(connection.client, [database, copy]);
    await connection.client.close();
  });

  test('names what the user has, sorted, without the server’s and our own collections', () => {
    expect(census.collections.map(({ name, type }) => [name, type])).toEqual([
      ['Capped', 'collection'],
      ['changelog', 'collection'],
      ['orders', 'collection'],
      ['paid', 'view'],
      ['series', 'timeseries'],
    ]);
    expect(censusSchema.parse(JSON.parse(JSON.stringify(census)))).toEqual(census);
  });

  test('holds options and indexes as canonical Extended JSON', () => {
    expect(byName('Capped')?.options).toBe('{"capped":true,"size":{"$numberInt":"4096"}}');
    expect(byName('orders')).toMatchObject({
      uuid: expect.stringMatching(/^[0-9a-f]{32}$/),
      documents: 2_500,
      indexes: [
        '{"v":{"$numberInt":"2"},"key":{"_id":{"$numberInt":"1"}},"name":"_id_"}',
        '{"v":{"$numberInt":"2"},"key":{"text":{"$numberInt":"1"},"_id":{"$numberInt":"-1"}},"name":"by text"}',
      ],
    });
  });

  test('counts a time series by its buckets and a view not at all', () => {
    expect(byName('series')).toMatchObject({ documents: 2, digest: { documents: 2 } });
    expect(byName('paid')).toEqual(expect.objectContaining({ documents: 0, indexes: [] }));
    expect(byName('paid')).not.toHaveProperty('digest');
  });

  test('has the same digest for the same documents in another order', async () => {
    const documents = await connection.client.db(database).collection('orders').find().sort({ _id: -1 }).toArray();
    await connection.client.db(copy).collection('orders').insertMany(documents);
    const other = await takeCensus(connection.client, copy, { digests: true, only: ['orders'] });
    const [ours, theirs] = [byName('orders')?.digest, other.collections[0]?.digest];
    expect(ours !== undefined && theirs !== undefined && sameDigest(ours, theirs)).toBe(true);
  });

  test('counts without reading when digests are not asked for', async () => {
    const { collections } = await takeCensus(connection.client, database, { digests: false, only: ['orders', 'series'] });
    expect(collections.map(({ name, documents }) => [name, documents])).toEqual([
      ['orders', 2_500],
      ['series', 2],
    ]);
    expect(collections[0]).not.toHaveProperty('digest');
  });

  test('stops when it is cancelled', async () => {
    const signal = AbortSignal.abort(new Error('cancelled'));
    await expect(takeCensus(connection.client, database, { digests: true, signal })).rejects.toThrow('cancelled');
  });
});
