import { readdir } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Db, Document } from 'mongodb';
import { silentLog } from '../log/log.ts';
import type { Connection } from '../mongo/connect.ts';
import { disturbedStore } from '../testing/disturbed-store.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import { temporaryFolder, type TemporaryFolder } from '../testing/temporary-folder.ts';
import { differingCollections, truthOf, type Truth } from '../testing/truth.ts';
import { createBackup, type CreateOptions } from './create.ts';
import type { Manifest } from './manifest.ts';
import { restoreBackup } from './restore.ts';
import type { BackupStore } from './store.ts';
import { directoryStore } from './stores/directory.ts';

const database = uniqueDatabase('definitions');
const copy = uniqueDatabase('definitions_copy');
let connection: Connection;
let db: Db;
let folder: TemporaryFolder;
let store: BackupStore;

beforeAll(async () => {
  connection = await connectShared();
  db = connection.client.db(database);
});

beforeEach(async () => {
  folder = await temporaryFolder();
  store = directoryStore(folder.path);
  await db.collection('orders').insertMany(Array.from({ length: 1_000 }, (_, n): Document => ({ n })));
  await db.collection('users').insertMany([{ name: 'a' }, { name: 'b' }]);
  await db.collection('empty').insertOne({ _id: 'x' as never });
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
  await dropDatabases(connection.client, [database, copy]);
});

afterAll(() => connection.client.close());

/** A backup in which something happens before the first collection is read, or when it was read. */
function backupWhile(at: 'open' | 'close', change: () => Promise<unknown>, options: Partial<CreateOptions> = {}): Promise<Manifest> {
  const disturbed = disturbedStore(store, { at, path: /\.bson/, times: 1 }, change);
  return createBackup({ connection, store: disturbed, selection: { databases: [database] }, log: silentLog, ...options });
}

async function restoredTruth({ id }: Manifest): Promise<Truth> {
  const mapNamespace = ({ collection }: { collection: string }): { database: string; collection: string } => ({
    database: copy,
    collection,
  });
  await restoreBackup({ client: connection.client, store, backupId: id, mapNamespace, drop: false, log: silentLog });
  return truthOf(connection.client.db(copy));
}

const changes: readonly (readonly [string, () => Promise<unknown>])[] = [
  ['createIndex', () => db.collection('users').createIndex({ name: 1 })],
  ['collMod', () => db.command({ collMod: 'users', validator: { name: { $exists: true } } })],
  ['create', () => db.collection('made').insertMany([{ a: 1 }, { a: 2 }])],
  ['drop', () => db.collection('users').drop()],
  [
    'drop and create',
    async () => {
      await db.collection('users').drop();
      await db.collection('users').insertOne({ name: 'new' });
    },
  ],
  ['rename', () => db.collection('users').rename('people')],
  [
    '$out',
    () =>
      db
        .collection('orders')
        .aggregate([{ $limit: 3 }, { $out: 'users' }])
        .toArray(),
  ],
  ['a view', () => db.createCollection('view', { viewOn: 'users', pipeline: [] })],
];
const moments = ['open', 'close'] as const;

describe.each(changes)('fault 23: %s during a backup', (name, change) => {
  test.each(moments)('with a snapshot shows the definitions of one time (%s)', async (at) => {
    const before = await truthOf(db);
    const manifest = await backupWhile(at, change, { consistency: 'snapshot' });
    const restored = await restoredTruth(manifest);
    // The snapshot is of before or of after the change, never of both.
    const [old, now] = [differingCollections(before, restored), differingCollections(await truthOf(db), restored)];
    expect([old.length === 0, now.length === 0]).toContain(true);
  });

  test.each(moments)('with the oplog shows what is there at its end (%s)', async (at) => {
    const manifest = await backupWhile(at, change, { consistency: 'oplog' });
    expect(manifest.consistency.kind).toBe('oplog');
    expect(differingCollections(await truthOf(db), await restoredTruth(manifest))).toEqual([]);
  });

  test('without a point in time only what changed is read again', async () => {
    const manifest = await backupWhile('close', change, { consistency: 'none' });
    expect(differingCollections(await truthOf(db), await restoredTruth(manifest))).toEqual([]);
    expect(name).not.toBe('');
  });
});

test.each(['snapshot', 'oplog', 'none'] as const)(
  'fault 23: collections that are replaced again and again are a clear failure (%s)',
  async (consistency) => {
    const replace = async (): Promise<void> => {
      await db.collection('orders').rename('other');
      await db.collection('other').rename('users', { dropTarget: true });
      await db.collection('orders').insertMany([{ n: 1 }]);
    };
    const busy = disturbedStore(store, { at: 'open', path: /orders\.bson/, times: 100 }, replace);
    const attempt = createBackup({ connection, store: busy, selection: { databases: [database] }, consistency, log: silentLog });
    await expect(attempt).rejects.toMatchObject({ code: 'backup/schema-changed' });
    expect(await readdir(folder.path)).toEqual([]);
  },
);

test('fault 30: a target that is not empty is not touched', async () => {
  const manifest = await backupWhile('open', async () => undefined);
  await db.collection('users').insertOne({ name: 'later' });
  const before = await truthOf(db);
  const attempt = restoreBackup({ client: connection.client, store, backupId: manifest.id, drop: false, log: silentLog });
  await expect(attempt).rejects.toMatchObject({ code: 'restore/target-exists' });
  expect(differingCollections(before, await truthOf(db))).toEqual([]);
});
