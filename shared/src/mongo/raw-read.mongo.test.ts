import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import type { Connection } from './connect.ts';
import { forEachInArray } from './raw-bson.ts';
import { readRaw, scan, type RawQuery } from './raw-read.ts';

const database = uniqueDatabase('raw_read');
let connection: Connection;

beforeAll(async () => {
  connection = await connectShared();
  const documents = Array.from({ length: 2_000 }, (_, _id) => ({ _id, text: 'x'.repeat(20_000) }));
  await connection.client.db(database).collection<{ _id: number }>('big').insertMany(documents);
});

afterAll(async () => {
  await dropDatabases(connection.client, [database]);
  await connection.client.close();
});

const query = (overrides: Partial<RawQuery> = {}): RawQuery => ({
  client: connection.client,
  database,
  collection: 'big',
  command: scan('big'),
  ...overrides,
});

async function openCursors(): Promise<number> {
  const pipeline = [{ $currentOp: { idleCursors: true, allUsers: true } }, { $match: { ns: `${database}.big`, type: 'idleCursor' } }];
  return (await connection.client.db('admin').aggregate(pipeline).toArray()).length;
}

test('gives every document once, in the order of the server, over many batches', async () => {
  const ids: number[] = [];
  let batches = 0;
  for await (const batch of readRaw(query())) {
    batches++;
    forEachInArray(batch, (start) => ids.push(batch.readInt32LE(start + 9)));
  }
  expect(batches).toBeGreaterThan(2);
  expect(ids).toEqual(Array.from({ length: 2_000 }, (_, index) => index));
});

test('closes its cursor when the reader leaves early', async () => {
  for await (const batch of readRaw(query())) {
    expect(batch.length).toBeGreaterThan(0);
    break;
  }
  expect(await openCursors()).toBe(0);
});

test('stops and closes its cursor when it is cancelled', async () => {
  const controller = new AbortController();
  const read = async (): Promise<void> => {
    for await (const batch of readRaw(query({ signal: controller.signal })))
      controller.abort(new Error(`cancelled after ${batch.length > 0}`));
  };
  await expect(read()).rejects.toThrow('cancelled after true');
  expect(await openCursors()).toBe(0);
});

test('throws what the server says', async () => {
  const read = async (): Promise<void> => {
    for await (const batch of readRaw(query({ command: { find: 'big', nonsense: 1 } }))) expect(batch).toBeUndefined();
  };
  await expect(read()).rejects.toMatchObject({ name: 'MongoServerError' });
});
