import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BSON } from 'mongodb';
import { Secret } from '../redaction/secret.ts';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '../testing/mongod.ts';
import { connect, type Connection } from './connect.ts';
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

describe('a large batch, which is sent from where it is', () => {
  const documents = Array.from({ length: 2_000 }, (_, _id) => ({ _id, text: String(_id).repeat(500) }));

  test.each([
    ['as it is', {}],
    ['compressed on the way', { compressors: ['zlib'] as 'zlib'[] }],
  ])('arrives %s', async (how, options) => {
    await using lean = await connect(new Secret(sharedUri()), options);
    const batch = batchOf(`large_${how.length}`, documents);
    expect(batch.documents.length).toBeGreaterThan(2 ** 20);
    await rawInserter(lean.client, '6.0.5').insert(batch);
    const stored = await lean.client.db(database).collection<object>(batch.collection).find({}, { raw: true }).toArray();
    expect(Buffer.concat(stored as unknown as Buffer[]).equals(batch.documents)).toBe(true);
  });

  test('that is refused leaves the connection as good as it was', async () => {
    await using lean = await connect(new Secret(sharedUri()), { maxPoolSize: 1 });
    const twice = batchOf('large_twice', documents);
    const inserter = rawInserter(lean.client, '6.0.5');
    await inserter.insert(twice);
    await expect(inserter.insert(twice)).rejects.toMatchObject({ code: 'restore/refused' });
    expect(await lean.client.db(database).collection('large_twice').countDocuments()).toBe(documents.length);
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
