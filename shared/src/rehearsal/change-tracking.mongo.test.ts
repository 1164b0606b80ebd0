import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Db } from 'mongodb';
import { connect, type Connection } from '../mongo/connect.ts';
import { Secret } from '../redaction/secret.ts';
import { connectShared, dropDatabases, startMongod, uniqueDatabase } from '../testing/mongod.ts';
import { trackChanges } from './change-tracking.ts';

let connection: Connection;
const database = uniqueDatabase('track');

beforeAll(async () => {
  connection = await connectShared();
  const db = connection.client.db(database);
  for (const name of ['a', 'b', 'c']) await db.collection<{ _id: number }>(name).insertMany([{ _id: 1 }, { _id: 2 }]);
});

afterAll(async () => {
  await dropDatabases(connection.client, [database]);
  await connection.client.close();
});

describe('what was touched', () => {
  test.each<[string, readonly string[], (db: Db) => Promise<unknown>]>([
    ['an insert', ['a'], (db) => db.collection('a').insertOne({})],
    ['an update', ['a'], (db) => db.collection('a').updateMany({}, { $set: { x: 1 } })],
    ['a delete', ['b'], (db) => db.collection('b').deleteOne({})],
    ['an index', [], (db) => db.collection('a').createIndex({ x: 1 })],
    ['collMod', ['a'], (db) => db.command({ collMod: 'a', validationLevel: 'moderate' })],
    ['a new collection', ['new'], (db) => db.createCollection('new')],
    ['a rename', ['new', 'renamed'], (db) => db.collection('new').rename('renamed')],
    ['a drop', ['renamed'], (db) => db.collection('renamed').drop()],
    [
      'a time series',
      ['measures'],
      async (db) => {
        await db.createCollection('measures', { timeseries: { timeField: 'at' } });
        await db.collection('measures').insertOne({ at: new Date(), value: 1 });
      },
    ],
    ['the history', [], (db) => db.collection('history').insertOne({})],
    ['our own records', [], (db) => db.collection('migration_journal').insertOne({})],
    ['nothing', [], (db) => db.collection('a').find().toArray()],
    [
      'a transaction over two collections',
      ['b', 'c'],
      (db) =>
        db.client.withSession((session) =>
          session.withTransaction(async () => {
            await db.collection('b').insertOne({}, { session });
            await db.collection('c').insertOne({}, { session });
          }),
        ),
    ],
  ])('%s', async (_what, expected, change) => {
    const tracker = await trackChanges({ client: connection.client, database, without: ['history'] });
    await change(connection.client.db(database));
    await connection.client.db(`${database}x`).collection('other').insertOne({});
    const changes = await tracker.next();
    expect([...(changes?.touched ?? ['unknown'])].filter((name) => !name.startsWith('system.')).sort()).toEqual([...expected].sort());
    expect((await tracker.next())?.touched).toEqual(new Set());
    await dropDatabases(connection.client, [`${database}x`]);
  });

  test('bytes of the oplog are told by collection', async () => {
    const tracker = await trackChanges({ client: connection.client, database, without: ['history'] });
    await connection.client
      .db(database)
      .collection('a')
      .insertOne({ text: 'x'.repeat(10_000) });
    const bytes = (await tracker.next())?.oplogBytes.get('a') ?? 0;
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(11_000);
  });

  test('a standalone server cannot tell', async () => {
    await using server = await startMongod({ kind: 'standalone' });
    await using standalone = await connect(new Secret(server.uri));
    const tracker = await trackChanges({ client: standalone.client, database: 'a', without: [] });
    expect(await tracker.next()).toBeUndefined();
  });
});
