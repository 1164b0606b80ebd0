import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { BSON } from 'mongodb';
import type { Connection } from '../mongo/connect.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import { planCollections } from './plan.ts';
import { estimateSizes } from './sizes.ts';

const database = uniqueDatabase('sizes');
let connection: Connection;

beforeAll(async () => {
  connection = await connectShared();
  const db = connection.client.db(database);
  await db.collection<{ _id: number }>('orders').insertMany([{ _id: 1 }, { _id: 2 }]);
  await db.createCollection('events', { timeseries: { timeField: 'at' } });
  await db.collection('events').insertOne({ at: new Date(0), value: 1 });
  await db.createCollection('active', { viewOn: 'orders', pipeline: [] });
});

afterAll(async () => {
  await dropDatabases(connection.client, [database]);
  await connection.client.close();
});

test('collections, time series and views are told by what the server counts along', async () => {
  const planned = await planCollections(connection.client, [database], {});
  const sizes = await estimateSizes(connection.client, planned);
  const bytes = new Map(planned.map((one) => [one.entry.name, sizes.bytesOf(one)]));
  const ofOrders = 2 * BSON.calculateObjectSize({ _id: 1 });
  const ofEvents = bytes.get('events') ?? 0;
  expect([bytes.get('active'), bytes.get('orders')]).toEqual([0, ofOrders]);
  expect(ofEvents).toBeGreaterThan(0);
  expect(sizes.total).toEqual({ documents: 3, bytes: ofOrders + ofEvents });
});

test('what the server does not tell is unknown', async () => {
  const [orders] = await planCollections(connection.client, [database], { include: ['orders'] });
  const refused = orders === undefined ? [] : [{ ...orders, database: 'no/database' }];
  const sizes = await estimateSizes(connection.client, refused);
  expect([sizes.total, ...refused.map((one) => sizes.bytesOf(one))]).toEqual([undefined, undefined]);
});
