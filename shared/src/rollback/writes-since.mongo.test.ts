import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Db } from 'mongodb';
import { connect, type Connection } from '../mongo/connect.ts';
import { shardedCollections } from '../mongo/sharding.ts';
import { Secret } from '../redaction/secret.ts';
import { connectShared, dropDatabases, startMongod, uniqueDatabase } from '../testing/mongod.ts';
import { readWritesSince, type WritesSince } from './writes-since.ts';

let connection: Connection;
let db: Db;
const names: string[] = [];

beforeAll(async () => {
  connection = await connectShared();
});

beforeEach(async () => {
  const name = uniqueDatabase('writes_since');
  names.push(name);
  db = connection.client.db(name);
  await db.collection('orders').insertMany([{ total: 1 }, { total: 2 }]);
  await db.collection('users').insertOne({ name: 'Ada' });
});

afterAll(async () => {
  await dropDatabases(connection.client, names);
  await connection.client.close();
});

async function clusterTime(): Promise<string> {
  const { operationTime } = await db.command({ ping: 1 });
  return `${operationTime.t}.${operationTime.i}`;
}

async function since(time: string | undefined): Promise<Extract<WritesSince, { known: true }>> {
  const found = await readWritesSince({ client: connection.client, database: db.databaseName, clusterTime: time });
  if (!found.known) throw new Error(found.why);
  return found;
}

const journal = (state: string): Promise<unknown> => db.collection('migration_journal').insertOne({ file: '2.js', state, fence: 1 });

describe('what was written since a cluster time', () => {
  test('is counted by collection and by the time of the journal, without our own collections', async () => {
    const time = await clusterTime();
    expect(await since(time)).toEqual({ known: true, marks: [], counts: [], definitions: [] });
    await db.collection('orders').insertOne({ total: 3 });
    await journal('STARTED');
    await db.collection('orders').updateMany({}, { $inc: { total: 1 } });
    await db.collection('users').deleteMany({});
    await journal('APPLIED');
    await db.collection('orders').deleteOne({});
    const { marks, counts } = await since(time);
    expect(marks).toMatchObject([{ entry: { file: '2.js', state: 'STARTED' } }, { entry: { state: 'APPLIED' } }]);
    expect(counts).toHaveLength(4);
    expect(counts).toEqual(
      expect.arrayContaining([
        { collection: 'orders', interval: 0, writes: 1 },
        { collection: 'orders', interval: 1, writes: 3 },
        { collection: 'users', interval: 1, writes: 1 },
        { collection: 'orders', interval: 2, writes: 1 },
      ]),
    );
  });

  test('holds the writes of transactions and of time series', async () => {
    await db.createCollection('weather', { timeseries: { timeField: 'at' } });
    const time = await clusterTime();
    await connection.client.withSession((session) =>
      session.withTransaction(async () => {
        await db.collection('orders').insertMany([{ total: 5 }, { total: 6 }], { session });
        await db.collection('users').updateOne({}, { $set: { name: 'Grace' } }, { session });
      }),
    );
    await db.collection('weather').insertOne({ at: new Date(), degrees: 21 });
    const { counts } = await since(time);
    expect(counts).toHaveLength(3);
    expect(counts).toEqual(
      expect.arrayContaining([
        { collection: 'orders', interval: 0, writes: 2 },
        { collection: 'users', interval: 0, writes: 1 },
        { collection: 'weather', interval: 0, writes: 1 },
      ]),
    );
  });

  test('holds what happened to the collections themselves, but not our switch of pre-images', async () => {
    const time = await clusterTime();
    await db.createCollection('created');
    await db.collection('created').rename('renamed');
    await db.collection('users').drop();
    await db.collection('orders').createIndex({ total: 1 });
    await journal('STARTED');
    await db.createCollection('shown', { viewOn: 'orders', pipeline: [] });
    await db.command({ collMod: 'shown', viewOn: 'orders', pipeline: [{ $match: {} }] });
    await db.collection('shown').drop();
    await db.command({ collMod: 'orders', changeStreamPreAndPostImages: { enabled: true } });
    const { definitions } = await since(time);
    const told = definitions.map(({ kind, collection, to, interval }) =>
      [interval, kind, collection, ...(to === undefined ? [] : [to])].join(' '),
    );
    expect(told.filter((line) => !line.endsWith('system.views'))).toEqual(
      expect.arrayContaining([
        '0 create created',
        '0 rename created renamed',
        '0 drop users',
        '0 change orders',
        '1 create shown',
        '1 change shown',
        '1 drop shown',
      ]),
    );
    expect(told.filter((line) => line === '1 change orders')).toEqual([]);
  });

  test('knows when a restored collection took its name', async () => {
    const time = await clusterTime();
    await db.collection('migration_restore_1').insertOne({ total: 9 });
    await db.collection('migration_restore_1').rename('orders', { dropTarget: true });
    const { marks, counts, definitions } = await since(time);
    expect(marks).toEqual([{ kind: 'swap', collection: 'orders' }]);
    expect(counts).toEqual([]);
    expect(definitions.filter(({ kind }) => kind !== 'drop')).toEqual([]);
  });

  test('is not known without an oplog that reaches back to it', async () => {
    const options = { client: connection.client, database: db.databaseName };
    expect(await readWritesSince({ ...options, clusterTime: undefined })).toMatchObject({
      known: false,
      why: expect.stringContaining('standalone'),
    });
    expect(await readWritesSince({ ...options, clusterTime: '1.1' })).toMatchObject({
      known: false,
      why: expect.stringContaining('reach back'),
    });
  });

  test('is not known to a user who may not read the oplog', async () => {
    await using server = await startMongod({ kind: 'replica-set', members: 1 }, { rootPassword: 'root-password' });
    await using root = await connect(new Secret(server.uri.replace('mongodb://', 'mongodb://root:root-password@')));
    await root.client.db('admin').command({ createUser: 'guard', pwd: 'guard-password', roles: [{ role: 'readWrite', db: 'shop' }] });
    await using guard = await connect(new Secret(server.uri.replace('mongodb://', 'mongodb://guard:guard-password@')));
    const { operationTime } = await guard.client.db('shop').command({ ping: 1 });
    const found = await readWritesSince({ client: guard.client, database: 'shop', clusterTime: `${operationTime.t}.${operationTime.i}` });
    expect(found).toMatchObject({ known: false, why: expect.stringContaining('local.oplog.rs') });
  });

  test('no collection of a replica set is sharded', async () => {
    expect(await shardedCollections(connection.client, db.databaseName)).toEqual(new Set());
  });
});
