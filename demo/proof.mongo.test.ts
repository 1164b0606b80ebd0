import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Connection } from '@migration-guard/shared/mongo/connect';
import { connectShared, dropDatabases, uniqueDatabase } from '@migration-guard/shared/testing/mongod';
import type { Db } from 'mongodb';
import { countAdded, differencesBetween, fingerprintOf, totalDocuments, withWrites, type Fingerprint } from './proof.ts';

const database = uniqueDatabase('proof');
let connection: Connection;
let db: Db;
let before: Fingerprint;

beforeAll(async () => {
  connection = await connectShared();
  db = connection.client.db(database);
});

beforeEach(async () => {
  await db.dropDatabase();
  await db.collection<{ _id: number; n: number }>('orders').insertMany([
    { _id: 1, n: 1 },
    { _id: 2, n: 2 },
  ]);
  await db.createCollection('recent', { viewOn: 'orders', pipeline: [] });
  before = await fingerprintOf(db);
});

afterAll(async () => {
  await dropDatabases(connection.client, [database]);
  await connection[Symbol.asyncDispose]();
});

describe("the demo's own proof", () => {
  test('counts every document and finds no difference where there is none', async () => {
    expect(totalDocuments(before)).toBe(2);
    await db.collection('migration_lock').insertOne({ of: 'the tool itself' });
    expect(differencesBetween(before, await fingerprintOf(db))).toEqual([]);
  });

  test('does not mind the order in which documents lie', async () => {
    const orders = db.collection<{ _id: number; n: number }>('orders');
    await orders.deleteOne({ _id: 1 });
    await orders.insertOne({ _id: 1, n: 1 });
    expect(differencesBetween(before, await fingerprintOf(db))).toEqual([]);
  });

  test('tells what others wrote beside a migration from what the migration wrote', async () => {
    await db.collection('orders').updateOne({ n: 1 }, { $set: { n: 9 } });
    const earlier = await fingerprintOf(db);
    const orders = db.collection<{ _id: number; n: number }>('orders');
    await orders.insertOne({ _id: 3, n: 3 });
    await orders.updateOne({ _id: 2 }, { $set: { n: 4 } });
    const later = await fingerprintOf(db);
    expect(countAdded({ earlier, later })).toBe(2);
    await orders.updateOne({ _id: 1 }, { $set: { n: 1 } });
    expect(differencesBetween(withWrites(before, { earlier, later }), await fingerprintOf(db))).toEqual([]);
    expect(differencesBetween(before, await fingerprintOf(db))).toHaveLength(1);
    await orders.deleteOne({ _id: 3 });
    expect(differencesBetween(withWrites(before, { earlier, later }), await fingerprintOf(db))).toHaveLength(1);
  });

  test.each<[string, () => Promise<unknown>, string]>([
    ['a changed value', () => db.collection('orders').updateOne({ n: 2 }, { $set: { n: 3 } }), 'orders has other contents'],
    ['a lost document', () => db.collection('orders').deleteOne({ n: 2 }), 'orders holds 1 documents instead of 2'],
    ['a new index', () => db.collection('orders').createIndex({ n: 1 }), 'orders has other options or indexes'],
    ['a changed view', () => db.command({ collMod: 'recent', viewOn: 'other', pipeline: [] }), 'recent has other options or indexes'],
    ['a lost collection', () => db.collection('orders').drop(), 'orders is gone'],
    ['a new collection', () => db.createCollection('extra'), 'extra is new'],
  ])('finds %s', async (_, change, difference) => {
    await change();
    expect(differencesBetween(before, await fingerprintOf(db))).toEqual([difference]);
  });
});
