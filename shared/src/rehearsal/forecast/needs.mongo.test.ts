import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Db } from 'mongodb';
import type { ServerPrecheck } from '../../migration/prechecks/precheck.ts';
import type { Connection } from '../../mongo/connect.ts';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '../../testing/mongod.ts';
import { rehearseOn } from '../../testing/rehearsal-run.ts';
import type { Inspection } from '../room.ts';
import { measureNeeds } from './needs.ts';

const database = uniqueDatabase('needs');
let connection: Connection;
let db: Db;

beforeAll(async () => {
  connection = await connectShared();
  db = connection.client.db(database);
  await db.collection('orders').insertMany(Array.from({ length: 1_000 }, (_, n) => ({ n, note: 'x'.repeat(200) })));
  await db.collection('people').insertMany(Array.from({ length: 10 }, (_, n) => ({ n })));
});

afterAll(async () => {
  await dropDatabases(connection.client, [database]);
  await connection.client.close();
});

async function needsOf(files: Readonly<Record<string, string>>): Promise<readonly ServerPrecheck[]> {
  let needs: readonly ServerPrecheck[] = [];
  const states: Inspection['state'][] = [];
  const inspect = async ({ state, files: seen }: Inspection): Promise<void> => {
    states.push(state);
    if (state === 'after up') needs = await measureNeeds(db, seen);
  };
  await rehearseOn(db, { uri: sharedUri(), files, inspect });
  expect(states).toEqual(['after up', 'as before']);
  return needs;
}

test('weighs what is added and rewritten, the indexes, and the oplog', async () => {
  const needs = await needsOf({
    '1.mjs': `export const up = async (db) => {
  await db.collection('orders').updateMany({}, { $set: { currency: 'EUR' } });
  await db.collection('orders').createIndex({ note: 1 });
};
export const down = async (db) => {
  await db.collection('orders').dropIndex('note_1');
  await db.collection('orders').updateMany({}, { $unset: { currency: '' } });
};`,
    '2.mjs': `export const up = (db) => db.collection('people').aggregate([{ $out: 'copied' }]).toArray();
export const down = (db) => db.collection('copied').drop();`,
  });
  const before = 1_000 * (200 + 42);
  expect(needs).toEqual([
    { kind: 'disk', file: '1.mjs, 2.mjs', documents: expect.any(Number), indexes: expect.any(Number), sizes: expect.any(Object) },
    { kind: 'oplog', file: '1.mjs, 2.mjs', bytes: expect.any(Number), milliseconds: expect.any(Number), sizes: expect.any(Object) },
  ]);
  const [disk, oplog] = needs as [Extract<ServerPrecheck, { kind: 'disk' }>, Extract<ServerPrecheck, { kind: 'oplog' }>];
  expect(disk.sizes['orders']).toBeGreaterThan(before * 0.9);
  expect(disk.sizes['orders']).toBeLessThan(before * 1.1);
  expect(Object.keys(disk.sizes)).toEqual(['orders', 'people']);
  // Everything is written once more, with 18 bytes on top, and ten small documents.
  expect(disk.documents).toBeGreaterThan(before + 1_000 * 18);
  expect(disk.documents).toBeLessThan(before * 1.4);
  expect(disk.indexes).toBeGreaterThan(4_096);
  expect(oplog.bytes).toBeGreaterThan(1_000 * 100);
});

test('a migration that only drops an index needs nothing of the disk', async () => {
  await db.collection('people').createIndex({ n: 1 });
  const needs = await needsOf({
    '1.mjs': `export const up = (db) => db.collection('people').dropIndex('n_1');
export const down = (db) => db.collection('people').createIndex({ n: 1 });`,
  });
  expect(needs.map(({ kind }) => kind)).not.toContain('disk');
});
