import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Db, Document } from 'mongodb';
import type { Connection } from '../../mongo/connect.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../../testing/mongod.ts';
import { openHistory } from './open.ts';

let connection: Connection;
const names: string[] = [];

beforeAll(async () => {
  connection = await connectShared();
});

afterAll(async () => {
  await dropDatabases(connection.client, names);
  await connection.client.close();
});

async function prepare(collection: string, documents: readonly Document[]): Promise<Db> {
  const name = uniqueDatabase('history');
  names.push(name);
  const db = connection.client.db(name);
  if (documents.length > 0) await db.collection(collection).insertMany([...documents]);
  return db;
}

const early = new Date('2024-01-01T00:00:00Z');
const late = new Date('2024-02-01T00:00:00Z');

test.each([
  {
    kind: 'migrate-mongo' as const,
    collection: 'changelog',
    documents: [
      { fileName: '2.js', appliedAt: late, migrationBlock: 2, fileHash: 'new' },
      { fileName: '1.js', appliedAt: early },
      { fileName: '2.js', appliedAt: early, migrationBlock: 1, fileHash: 'old' },
      { note: 'of somebody else' },
    ],
    known: [
      { fileName: '1.js', appliedAt: early },
      { fileName: '2.js', appliedAt: late, migrationBlock: 2, fileHash: 'new', earlierHashes: ['old'] },
    ],
    written: { fileName: '3.js', fileHash: 'h', appliedAt: late, migrationBlock: 7 },
  },
  {
    kind: 'plain' as const,
    collection: 'migrations',
    documents: [
      { filename: '2.js', executedAt: late, success: true },
      { filename: '1.js', executedAt: early },
      { filename: '4.js', executedAt: late, success: false },
      { filename: '2.js', executedAt: early, success: false },
    ],
    known: [
      { fileName: '1.js', appliedAt: early },
      { fileName: '2.js', appliedAt: late },
    ],
    written: { filename: '3.js', executedAt: late, success: true },
  },
  {
    kind: 'class' as const,
    collection: 'migrations_changelog',
    documents: [
      { file: '2.js', className: 'Two2', timestamp: late.getTime() },
      { file: String.raw`db\1.js`, className: 'One1', timestamp: early.getTime() },
    ],
    known: [
      { fileName: '1.js', appliedAt: early },
      { fileName: '2.js', appliedAt: late },
    ],
    written: { file: '3.js', className: 'Three3', timestamp: late.getTime() },
  },
])(
  'a $kind history is read in order of time and written as its own tool writes it',
  async ({ kind, collection, documents, ...expected }) => {
    const db = await prepare(collection, documents);
    const history = openHistory({ kind, classNameOf: () => 'Three3' });
    expect(history.collection).toBe(collection);
    expect(await history.read(db)).toEqual(expected.known);
    await history.recordApplied(db, { fileName: '3.js', fileHash: 'h', appliedAt: late, migrationBlock: 7 });
    const written = await db.collection(collection).findOne({}, { sort: { $natural: -1 }, projection: { _id: 0 } });
    expect(JSON.stringify(written)).toBe(JSON.stringify(expected.written));
    await history.recordReverted(db, '2.js');
    expect((await history.read(db)).map(({ fileName }) => fileName)).toEqual(['1.js', '3.js']);
  },
);

test('a plain history says which files failed, and a later success takes the place of the failure', async () => {
  const db = await prepare('migrations', [{ filename: '1.js', executedAt: early, success: false }]);
  const history = openHistory({ kind: 'plain' });
  expect(await history.read(db)).toEqual([]);
  expect(await history.failures(db)).toEqual(new Map([['1.js', early]]));
  await history.recordApplied(db, { fileName: '1.js', appliedAt: late });
  expect(await history.failures(db)).toEqual(new Map());
  expect(await db.collection('migrations').countDocuments()).toBe(1);
});
