import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Connection } from '@migration-guard/shared/mongo/connect';
import { connectShared, dropDatabases, uniqueDatabase } from '@migration-guard/shared/testing/mongod';
import type { Db } from 'mongodb';
import { addedSince, differencesBetween, fingerprintOf, totalDocuments, without, type Fingerprint } from './proof.ts';

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

  test('tells what was added, and finds what is lost or changed beside it', async () => {
    const orders = db.collection<{ _id: number; n: number }>('orders');
    await orders.insertOne({ _id: 3, n: 3 });
    const added = await addedSince(db, before);
    expect([...added]).toEqual([['orders', [{ hash: expect.any(String), document: { _id: 3, n: 3 } }]]]);
    expect(differencesBetween(before, await fingerprintOf(db))).toHaveLength(1);
    expect(differencesBetween(before, without(await fingerprintOf(db), added))).toEqual([]);
    await orders.updateOne({ _id: 1 }, { $set: { n: 9 } });
    expect(differencesBetween(before, without(await fingerprintOf(db), added))).toEqual(['orders has other contents']);
    await orders.deleteOne({ _id: 1 });
    expect(differencesBetween(before, without(await fingerprintOf(db), added))).toEqual(['orders holds 1 documents instead of 2']);
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
