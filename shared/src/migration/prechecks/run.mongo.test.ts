import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BSON, MongoServerError, type Db } from 'mongodb';
import { connect, type Connection } from '../../mongo/connect.ts';
import { Secret } from '../../redaction/secret.ts';
import { connectShared, dropDatabases, startMongod, uniqueDatabase } from '../../testing/mongod.ts';
import type { Precheck, PrecheckAnswer } from './precheck.ts';
import { runPrechecks } from './run.ts';

const database = uniqueDatabase('prechecks');
const now = new Date('2026-01-01T00:00:00Z');
let connection: Connection;
let db: Db;

beforeAll(async () => {
  connection = await connectShared();
  db = connection.client.db(database);
});

afterAll(async () => {
  await dropDatabases(connection.client, [database]);
  await connection.client.close();
});

async function ask(check: object, timeout = 10_000): Promise<PrecheckAnswer> {
  const checks = [{ file: '1-file.js', ...check } as Precheck];
  const [answer] = await runPrechecks({ db, checks, now, signal: new AbortController().signal, timeout });
  return answer as PrecheckAnswer;
}

const text = (document: object): string => BSON.EJSON.stringify(document, { relaxed: false });

/** Whether the server really refuses what the pre-check warns of. */
async function refuses(collection: string, index: BSON.Document): Promise<boolean> {
  const trial = `${collection}_trial`;
  await db
    .collection(collection)
    .aggregate([{ $out: trial }])
    .toArray();
  try {
    await db.command({ createIndexes: trial, indexes: [index] });
    return false;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === 11_000) return true;
    throw error;
  } finally {
    await db.dropCollection(trial);
  }
}

const indexes: readonly (readonly [string, BSON.Document, readonly BSON.Document[], number])[] = [
  ['no duplicates', { key: { a: 1 } }, [{ a: 1 }, { a: 2 }], 0],
  ['duplicates', { key: { a: 1 } }, [{ a: 1 }, { a: 1 }, { a: 2 }, { a: 2 }, { a: 2 }, { a: 3 }], 2],
  [
    'several keys',
    { key: { a: 1, 'b.c': -1 } },
    [
      { a: 1, b: { c: 1 } },
      { a: 1, b: { c: 2 } },
      { a: 1, b: { c: 1 } },
    ],
    1,
  ],
  ['a missing field is null', { key: { a: 1 } }, [{ a: null }, { b: 1 }], 1],
  ['not in a sparse index', { key: { a: 1 }, sparse: true }, [{ a: null }, { b: 1 }, { c: 1 }], 0],
  [
    'only what a partial index holds',
    { key: { a: 1 }, partialFilterExpression: { b: { $gt: 5 } } },
    [
      { a: 1, b: 1 },
      { a: 1, b: 6 },
    ],
    0,
  ],
  ['numbers of all types are one', { key: { a: 1 } }, [{ a: 1 }, { a: BSON.Long.fromNumber(1) }], 1],
  ['a value twice in one array', { key: { a: 1 } }, [{ a: [1, 1] }, { a: [2, 3] }], 0],
  ['a value in two arrays', { key: { 'a.b': 1 } }, [{ a: [{ b: 1 }, { b: 2 }] }, { a: [{ b: 2 }] }], 1],
  ['by a collation', { key: { a: 1 }, collation: { locale: 'en', strength: 2 } }, [{ a: 'X' }, { a: 'x' }], 1],
];

test.each(indexes)('unique index, %s: as the server says', async (_what, options, documents, found) => {
  const index = { ...options, name: 'i', unique: true };
  const collection = uniqueDatabase('unique');
  await db.collection(collection).insertMany(documents.map((document) => ({ ...document })));
  expect(await ask({ kind: 'unique', collection, index: text(index) })).toMatchObject({ found });
  expect(await refuses(collection, index)).toBe(found > 0);
});

test('the message names collection, fields and numbers, but no values', async () => {
  await db.collection('people').insertMany([{ email: 'a@b.de' }, { email: 'a@b.de' }]);
  const { message } = await ask({ kind: 'unique', collection: 'people', index: text({ key: { email: 1 }, unique: true }) });
  expect(message).toBe('Unique index on people (email): 2 documents share 1 values.');
});

test('an index in the way, by name or by options', async () => {
  await db.collection('indexed').createIndexes([
    { key: { a: 1 }, name: 'a_1' },
    { key: { b: 1 }, name: 'b_1', collation: { locale: 'de' } },
  ]);
  const of = async (index: object): Promise<number | undefined> =>
    (await ask({ kind: 'index-conflict', collection: 'indexed', index: text(index) })).found;
  expect(await of({ key: { a: 1 }, name: 'a_1' })).toBe(0);
  expect(await of({ key: { a: 1 }, name: 'a_1', unique: true })).toBe(1);
  expect(await of({ key: { c: 1 }, name: 'a_1' })).toBe(1);
  expect(await of({ key: { a: 1 }, name: 'other' })).toBe(1);
  expect(await of({ key: { b: 1 }, name: 'b_2' })).toBe(0);
});

test('a collection that is there with other options', async () => {
  await db.createCollection('series', { timeseries: { timeField: 'at' } });
  const of = async (options: object): Promise<number | undefined> =>
    (await ask({ kind: 'options-conflict', collection: 'series', options: text(options) })).found;
  expect(await of({ timeseries: { timeField: 'at' } })).toBe(0);
  expect(await of({ timeseries: { timeField: 'other' } })).toBe(1);
  expect(await of({ capped: true, size: 4_096 })).toBe(1);
});

test('documents that a validator would lock', async () => {
  await db.collection('products').insertMany([{ price: 1 }, { price: 0 }, { price: 'x' }, {}]);
  const validator = text({ $jsonSchema: { required: ['price'], properties: { price: { bsonType: 'int', minimum: 1 } } } });
  expect(await ask({ kind: 'validator', collection: 'products', validator })).toMatchObject({ found: 3 });
});

test('documents that would expire', async () => {
  await db.collection('sessions').insertMany([{ at: new Date('2025-12-31T23:00:00Z') }, { at: now }, { at: 'never' }]);
  expect(await ask({ kind: 'expiry', collection: 'sessions', field: 'at', seconds: 60 })).toMatchObject({ found: 1 });
});

test('what is known by the name of its index, or of its collection, is looked up', async () => {
  await db.collection('tokens').insertMany([
    { at: new Date(0), a: 1 },
    { at: now, a: 1 },
  ]);
  await db.collection('tokens').createIndexes([
    { key: { at: 1 }, name: 'old', expireAfterSeconds: 1e9 * 2 },
    { key: { a: 1 }, name: 'by_a' },
  ]);
  expect(await ask({ kind: 'expiry', collection: 'tokens', named: 'old', seconds: 60 })).toMatchObject({
    found: 1,
    message: 'Expiry of tokens by old: 1 documents would be deleted within a minute.',
  });
  expect(await ask({ kind: 'expiry', collection: 'tokens', named: 'gone', seconds: 60 })).toMatchObject({ found: 0 });
  expect(await ask({ kind: 'unique', collection: 'tokens', index: text({ name: 'by_a', unique: true }) })).toMatchObject({ found: 1 });
  await db.createCollection('weather', { timeseries: { timeField: 'when' } });
  await db.collection('weather').insertMany([{ when: new Date('2020-01-01') }, { when: now }]);
  expect(await ask({ kind: 'expiry', collection: 'weather', seconds: 60 })).toMatchObject({ found: 1 });
});

test('queries that use a dropped index are counted, by the name of the index, its keys, or for all of them', async () => {
  const used = db.collection('used');
  await used.insertMany([{ a: 1, b: 1, c: 1 }]);
  for (const field of ['a', 'b', 'c']) await used.createIndex({ [field]: 1 });
  for (const filter of [{ a: 1 }, { a: 1 }, { b: 1 }]) await used.findOne(filter);
  await db.command({ collMod: 'used', index: { name: 'b_1', hidden: true } });
  const dropped = (index: object): Promise<PrecheckAnswer> => ask({ kind: 'index-use', collection: 'used', index: text(index) });
  expect(await dropped({ name: 'a_1' })).toMatchObject({
    found: 2,
    message: expect.stringMatching(/^Dropped index of used \(a_1\): queries of this member used a_1 2 times since 20.+Z\.$/),
  });
  expect(await dropped({ key: { a: 1 } })).toMatchObject({ found: 2 });
  expect(await dropped({ name: '*' })).toMatchObject({ found: 2 });
  const none = { found: 0, message: 'Dropped index of used (b_1): no query of this member uses it.' };
  expect(await dropped({ name: 'b_1' })).toMatchObject(none);
  expect(await dropped({ name: 'c_1' })).toMatchObject({ found: 0 });
  expect(await dropped({ name: 'gone' })).toMatchObject({ found: 0 });
});

test('what takes too long is not known', async () => {
  await db.collection('slow').insertMany(Array.from({ length: 50_000 }, (_, a) => ({ a })));
  const answer = await ask({ kind: 'unique', collection: 'slow', index: text({ key: { a: 1 }, unique: true }) }, 1);
  expect(answer).toMatchObject({ found: undefined, message: expect.stringContaining('not known') });
});

test('a collection that is not there has nothing in the way', async () => {
  expect(await ask({ kind: 'expiry', collection: 'none', field: 'at', seconds: 1 })).toMatchObject({ found: 0 });
});

describe('the room of the server', () => {
  const sizes = { weighed: 100 };

  beforeAll(async () => {
    await db.collection('weighed').insertMany(Array.from({ length: 100 }, (_, n) => ({ n, text: 'x'.repeat(80) })));
  });

  test('is enough for a little, on a target that is a hundred times as large as the copy too', async () => {
    expect(await ask({ kind: 'disk', sizes, documents: 1e3, indexes: 1e3 })).toMatchObject({ found: 0 });
    expect(await ask({ kind: 'oplog', sizes, bytes: 1e3, milliseconds: 1 })).toMatchObject({ found: 0 });
  });

  test('is too little on the disk for what grows with the target', async () => {
    const { found, message } = await ask({ kind: 'disk', sizes, documents: 0, indexes: 1e12 });
    expect(found).toBe(1);
    expect(message).toMatch(/^Free disk: [\d.]+ .B, the migration needs about 1\d\d TB\.$/);
  });

  test('is too little in the oplog', async () => {
    const { found, message } = await ask({ kind: 'oplog', sizes, bytes: 1e10, milliseconds: 1_000 });
    expect(found).toBe(1);
    expect(message).toMatch(/^Oplog: its window is .+, \d+ min; the migration writes about 1\.\d TB to it in \d+ s or more\./);
  });

  test('a server without an oplog has no window that could be too short', async () => {
    await using server = await startMongod({ kind: 'standalone' });
    await using alone = await connect(new Secret(server.uri));
    const check: Precheck = { kind: 'oplog', file: '1.js', sizes: {}, bytes: 1e15, milliseconds: 1 };
    const options = { checks: [check], now, signal: new AbortController().signal, timeout: 10_000 };
    expect(await runPrechecks({ db: alone.client.db('shop'), ...options })).toMatchObject([{ found: 0 }]);
  });

  test('is not known to a user who may not look', async () => {
    await using server = await startMongod({ kind: 'replica-set', members: 1 }, { rootPassword: 'secret' });
    const uri = new URL(server.uri);
    await using root = await connect(new Secret(withUser(uri, 'root', 'secret')));
    const shop = root.client.db('shop');
    await shop.command({ createUser: 'app', pwd: 'app', roles: [{ role: 'readWrite', db: 'shop' }] });
    await shop.collection('orders').insertOne({});
    await using app = await connect(new Secret(withUser(uri, 'app', 'app', 'shop')));
    const checks: Precheck[] = [
      { kind: 'oplog', file: '1.js', sizes: { orders: 10 }, bytes: 1e15, milliseconds: 1 },
      { kind: 'disk', file: '1.js', sizes: { orders: 10 }, documents: 1, indexes: 1 },
      { kind: 'index-use', file: '1.js', collection: 'orders', index: text({ name: 'a_1' }) },
      { kind: 'index-build', file: '1.js', collection: 'orders' },
    ];
    const options = { checks, now, signal: new AbortController().signal, timeout: 10_000 };
    const answers = await runPrechecks({ db: app.client.db('shop'), ...options });
    const unknown = { found: undefined, message: expect.stringContaining('the user lacks the privilege') };
    expect(answers).toMatchObject([unknown, { found: 0 }, unknown, { found: 0 }]);
  });
});

function withUser(uri: URL, user: string, password: string, source = 'admin'): string {
  const changed = new URL(uri);
  changed.username = user;
  changed.password = password;
  changed.searchParams.set('authSource', source);
  return changed.href;
}

test('an index that is being built is in the way of a change of structure', async () => {
  await using server = await startMongod({ kind: 'replica-set', members: 1 });
  await using own = await connect(new Secret(server.uri));
  const shop = own.client.db('shop');
  const admin = own.client.db('admin');
  await shop.collection('orders').insertMany([{ a: 1 }, { a: 2 }]);
  const check: Precheck = { kind: 'index-build', file: '1.js', collection: 'orders' };
  const options = { db: shop, checks: [check], now, signal: new AbortController().signal, timeout: 10_000 };
  expect(await runPrechecks(options)).toMatchObject([{ found: 0 }]);
  await admin.command({ configureFailPoint: 'hangAfterStartingIndexBuild', mode: 'alwaysOn' });
  const building = shop.collection('orders').createIndex({ a: 1 });
  await admin.command({ waitForFailPoint: 'hangAfterStartingIndexBuild', timesEntered: 1, maxTimeMS: 20_000 });
  expect(await runPrechecks(options)).toMatchObject([{ found: 1, message: expect.stringContaining('being built now: a_1') }]);
  await admin.command({ configureFailPoint: 'hangAfterStartingIndexBuild', mode: 'off' });
  await building;
  expect(await runPrechecks(options)).toMatchObject([{ found: 0 }]);
});
