import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { silentLog } from '../../log/log.ts';
import { connect, type Connection } from '../../mongo/connect.ts';
import { Secret } from '../../redaction/secret.ts';
import { connectShared, dropDatabases, startMongod, uniqueDatabase } from '../../testing/mongod.ts';
import { measureTarget } from './measure-target.ts';

const database = uniqueDatabase('measure');
let connection: Connection;

beforeAll(async () => {
  connection = await connectShared();
  const db = connection.client.db(database);
  await db.collection('orders').insertMany(Array.from({ length: 50 }, (_, n) => ({ n, text: 'x'.repeat(100) })));
  await db.createCollection('shown', { viewOn: 'orders', pipeline: [] });
});

afterAll(async () => {
  await dropDatabases(connection.client, [database]);
  await connection.client.close();
});

test('tells sizes, round trip and oplog of a replica set; views and what is not there have no size', async () => {
  const { sizes, roundTrip, oplog } = await measureTarget(connection.client.db(database), ['orders', 'shown', 'gone'], silentLog);
  expect([...sizes.keys()]).toEqual(['orders']);
  expect(sizes.get('orders')?.bytes).toBeGreaterThan(5_000);
  expect(roundTrip).toBeGreaterThan(0);
  expect(oplog?.bytes).toBeGreaterThan(1e6);
});

test('a standalone server has no oplog', async () => {
  await using server = await startMongod({ kind: 'standalone' });
  await using alone = await connect(new Secret(server.uri));
  expect((await measureTarget(alone.client.db('shop'), [], silentLog)).oplog).toBeUndefined();
});
