import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BSON } from 'mongodb';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import type { Connection } from './connect.ts';
import { rawInserter, type RawBatch, type RawInserter } from './raw-write.ts';

const database = uniqueDatabase('raw_write');
let connection: Connection;

beforeAll(async () => {
  connection = await connectShared();
});

afterAll(async () => {
  await dropDatabases(connection.client, [database]);
  await connection.client.close();
});

function batchOf(collection: string, documents: readonly object[]): RawBatch {
  const bytes = Buffer.concat(documents.map((document) => BSON.serialize(document)));
  return { database, collection, documents: bytes, count: documents.length, ordered: false, bypassValidation: true };
}

test('the pinned driver sends bytes as they are', () => {
  expect(rawInserter(connection.client, '6.0.5').way).toBe('sequence');
});

test.each([
  ['5.0.28', false],
  ['5.0.29', true],
  ['6.0.16', false],
  ['6.0.17', true],
  ['7.0.12', false],
  ['7.0.13', true],
  ['7.1.20', false],
  ['8.0.0', true],
  ['9.0.0', true],
])('server %s keeps empty timestamps: %s', (version, expected) => {
  expect(rawInserter(connection.client, version).keepsEmptyTimestamps).toBe(expected);
});

describe.each<RawInserter['way']>(['sequence', 'objects'])('inserting as %s', (way) => {
  const insert = (batch: RawBatch): Promise<unknown> => rawInserter(connection.client, '6.0.5', way).insert(batch);

  test('stores every document and tells the time', async () => {
    const time = await insert(batchOf(`all_${way}`, [{ _id: 1 }, { _id: 2, a: 'b' }]));
    expect(time).toHaveProperty('_bsontype', 'Timestamp');
    expect(await connection.client.db(database).collection(`all_${way}`).countDocuments()).toBe(2);
  });

  test('fails when the server refuses a single one, without quoting it', async () => {
    const attempt = insert(batchOf(`refused_${way}`, [{ _id: 'secret' }, { _id: 'other' }, { _id: 'secret' }]));
    await expect(attempt).rejects.toMatchObject({
      code: 'restore/refused',
      message: `The server took 2 of 3 documents for ${database}.refused_${way} (server error 11000).`,
    });
  });

  test('passes validators by only when it is told to', async () => {
    const name = `validated_${way}`;
    await connection.client.db(database).createCollection(name, { validator: { a: { $exists: true } } });
    await insert(batchOf(name, [{ b: 1 }]));
    await expect(insert({ ...batchOf(name, [{ b: 1 }]), bypassValidation: false })).rejects.toMatchObject({ code: 'restore/refused' });
  });
});

test('a document that objects would change is refused rather than changed', async () => {
  const undefinedValue = Buffer.from('0800000006610000', 'hex');
  const batch = { ...batchOf('changed', []), documents: undefinedValue, count: 1 };
  await expect(rawInserter(connection.client, '6.0.5', 'objects').insert(batch)).rejects.toMatchObject({ code: 'restore/refused' });
});

test('a server error is told with advice', async () => {
  const attempt = rawInserter(connection.client, '6.0.5').insert(batchOf('system.views', [{ _id: 1 }]));
  await expect(attempt).rejects.toMatchObject({ name: 'GuardError' });
});
