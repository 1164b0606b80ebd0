import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { compareCensus } from '../checks/compare-census.ts';
import { silentLog } from '../log/log.ts';
import { takeCensus, type Census } from '../mongo/census.ts';
import type { Connection } from '../mongo/connect.ts';
import { fillEveryKind, hardNames } from '../testing/every-kind.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import { temporaryFolder, type TemporaryFolder } from '../testing/temporary-folder.ts';
import { compressions } from './codec.ts';
import { createBackup } from './create.ts';
import type { Manifest } from './manifest.ts';
import { directoryStore } from './stores/directory.ts';
import { restoreBackup } from './restore.ts';
import type { BackupStore } from './store.ts';
import { verifyBackup } from './verify.ts';

describe.each(compressions)('a backup with compression %s', (compression) => {
  const database = uniqueDatabase('every_kind');
  const copy = uniqueDatabase('every_kind_copy');
  let connection: Connection;
  let folder: TemporaryFolder;
  let store: BackupStore;
  let before: Census;
  let manifest: Manifest;

  const orderOf = async (name: string, collection: string): Promise<unknown[]> =>
    (await connection.client.db(name).collection(collection).find().toArray()).map(({ _id }) => _id);

  beforeAll(async () => {
    connection = await connectShared();
    folder = await temporaryFolder();
    store = directoryStore(folder.path);
    await fillEveryKind(connection.client.db(database));
    await connection.client.db(database).createCollection('migration_lock');
    before = await takeCensus(connection.client, database, { digests: true });
    manifest = await createBackup({ connection, store, selection: { databases: [database] }, compression, log: silentLog });
  });

  afterAll(async () => {
    await dropDatabases(connection.client, [database, copy]);
    await connection.client.close();
    await folder[Symbol.asyncDispose]();
  });

  test('is a snapshot at one cluster time, and knows what the census knows', () => {
    expect(manifest.consistency).toEqual({ kind: 'snapshot', clusterTime: expect.stringMatching(/^\d+\.\d+$/) });
    expect(manifest.collections.filter(({ pointInTime }) => !pointInTime)).toEqual([]);
    expect(manifest.collections.map(({ name, digest }) => [name, digest.documents])).toEqual(
      before.collections.map(({ name, documents }) => [name, documents]),
    );
    expect(manifest.collections.map(({ name }) => name)).toEqual(expect.arrayContaining([...hardNames]));
  });

  test('verifies', async () => {
    await expect(verifyBackup({ store, backupId: manifest.id, log: silentLog })).resolves.toEqual(manifest);
  });

  test('faults 33–35, 37–44: restores under another name of the database, every document, option and index equal', async () => {
    const mapNamespace = ({ collection }: { collection: string }): { database: string; collection: string } => ({
      database: copy,
      collection,
    });
    const result = await restoreBackup({
      client: connection.client,
      store,
      backupId: manifest.id,
      mapNamespace,
      drop: false,
      log: silentLog,
    });
    expect(result.digest).toEqual(manifest.digest);
    const after = await takeCensus(connection.client, copy, { digests: true });
    expect(compareCensus(before, { ...after, database })).toEqual([]);
    expect(await orderOf(copy, 'capped')).toEqual(await orderOf(database, 'capped'));
    expect(
      await connection.client
        .db(copy)
        .listCollections({ name: /^migration_/ })
        .toArray(),
    ).toEqual([]);
  });

  test('restores over what is there when drop is set, and takes back every change', async () => {
    const db = connection.client.db(database);
    await db.collection('types').deleteMany({});
    await db.collection('indexed').dropIndexes();
    await db.collection('ids').drop();
    await db.command({ collMod: 'validated', validator: {} });
    await db.collection('series').insertOne({ t: new Date(), m: 1 });
    await db.collection('view').drop();
    const options = { client: connection.client, store, backupId: manifest.id, log: silentLog };
    await expect(restoreBackup({ ...options, drop: false })).rejects.toMatchObject({ code: 'restore/target-exists' });
    await restoreBackup({ ...options, drop: true });
    expect(compareCensus(before, await takeCensus(connection.client, database, { digests: true }))).toEqual([]);
  });
});
