import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { BSON, MongoServerError, type Db } from 'mongodb';
import type { Connection } from '../../mongo/connect.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../../testing/mongod.ts';
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

async function ask(check: Omit<Precheck, 'file'>): Promise<PrecheckAnswer> {
  const checks = [{ file: '1-file.js', ...check } as Precheck];
  const [answer] = await runPrechecks({ db, checks, now, signal: new AbortController().signal, timeout: 10_000 });
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
  expect(await ask({ kind: 'unique', collection, index: text(index) } as never)).toMatchObject({ found });
  expect(await refuses(collection, index)).toBe(found > 0);
});

test('the message names collection, fields and numbers, but no values', async () => {
  await db.collection('people').insertMany([{ email: 'a@b.de' }, { email: 'a@b.de' }]);
  const { message } = await ask({ kind: 'unique', collection: 'people', index: text({ key: { email: 1 }, unique: true }) } as never);
  expect(message).toBe('Unique index on people (email): 2 documents share 1 values.');
});

test('an index in the way, by name or by options', async () => {
  await db.collection('indexed').createIndexes([
    { key: { a: 1 }, name: 'a_1' },
    { key: { b: 1 }, name: 'b_1', collation: { locale: 'de' } },
  ]);
  const of = async (index: object): Promise<number | undefined> =>
    (await ask({ kind: 'index-conflict', collection: 'indexed', index: text(index) } as never)).found;
  expect(await of({ key: { a: 1 }, name: 'a_1' })).toBe(0);
  expect(await of({ key: { a: 1 }, name: 'a_1', unique: true })).toBe(1);
  expect(await of({ key: { c: 1 }, name: 'a_1' })).toBe(1);
  expect(await of({ key: { a: 1 }, name: 'other' })).toBe(1);
  expect(await of({ key: { b: 1 }, name: 'b_2' })).toBe(0);
});

test('a collection that is there with other options', async () => {
  await db.createCollection('series', { timeseries: { timeField: 'at' } });
  const of = async (options: object): Promise<number | undefined> =>
    (await ask({ kind: 'options-conflict', collection: 'series', options: text(options) } as never)).found;
  expect(await of({ timeseries: { timeField: 'at' } })).toBe(0);
  expect(await of({ timeseries: { timeField: 'other' } })).toBe(1);
  expect(await of({ capped: true, size: 4_096 })).toBe(1);
});

test('documents that a validator would lock', async () => {
  await db.collection('products').insertMany([{ price: 1 }, { price: 0 }, { price: 'x' }, {}]);
  const validator = text({ $jsonSchema: { required: ['price'], properties: { price: { bsonType: 'int', minimum: 1 } } } });
  expect(await ask({ kind: 'validator', collection: 'products', validator } as never)).toMatchObject({ found: 3 });
});

test('documents that would expire', async () => {
  await db.collection('sessions').insertMany([{ at: new Date('2025-12-31T23:00:00Z') }, { at: now }, { at: 'never' }]);
  expect(await ask({ kind: 'expiry', collection: 'sessions', field: 'at', seconds: 60 } as never)).toMatchObject({ found: 1 });
});

test('what takes too long is not known', async () => {
  await db.admin().command({ configureFailPoint: 'maxTimeAlwaysTimeOut', mode: { times: 1 } });
  await db.collection('slow').insertOne({ a: 1 });
  const answer = await ask({ kind: 'unique', collection: 'slow', index: text({ key: { a: 1 }, unique: true }) } as never);
  await db.admin().command({ configureFailPoint: 'maxTimeAlwaysTimeOut', mode: 'off' });
  expect(answer).toMatchObject({ found: undefined, message: expect.stringContaining('not known') });
});

test('a collection that is not there has nothing in the way', async () => {
  expect(await ask({ kind: 'expiry', collection: 'none', field: 'at', seconds: 1 } as never)).toMatchObject({ found: 0 });
});
