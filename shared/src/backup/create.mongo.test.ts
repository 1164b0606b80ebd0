import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { EmbeddedServer } from '../embedded/server.ts';
import { silentLog, type Log } from '../log/log.ts';
import { connect, type Connection } from '../mongo/connect.ts';
import { Secret } from '../redaction/secret.ts';
import { connectShared, dropDatabases, startMongod, uniqueDatabase } from '../testing/mongod.ts';
import { temporaryFolder, type TemporaryFolder } from '../testing/temporary-folder.ts';
import type { CreateOptions } from './create-options.ts';
import { createBackup } from './create.ts';
import { readFrames } from './frame-reader.ts';
import type { Manifest } from './manifest.ts';
import { forEachDocument } from '../mongo/raw-bson.ts';
import type { BackupStore } from './store.ts';
import { directoryStore } from './stores/directory.ts';

const database = uniqueDatabase('create');
let connection: Connection;
let folder: TemporaryFolder;
let store: BackupStore;

beforeAll(async () => {
  connection = await connectShared();
  const db = connection.client.db(database);
  await db.collection('orders').insertMany(Array.from({ length: 3_000 }, (_, n) => ({ n, text: 'x'.repeat(1_000) })));
  await db.collection('users').insertMany([{ name: 'a' }, { name: 'b' }]);
  await db.createCollection('empty');
});

afterAll(async () => {
  await dropDatabases(connection.client, [database]);
  await connection.client.close();
});

beforeEach(async () => {
  folder = await temporaryFolder();
  store = directoryStore(folder.path);
  return () => folder[Symbol.asyncDispose]();
});

const create = (options: Partial<CreateOptions> = {}): Promise<Manifest> =>
  createBackup({ connection, store, selection: { databases: [database] }, log: silentLog, ...options });

/** The store, with something that happens once, when the first data file is opened. */
function disturbed(disturb: () => Promise<unknown>, times = 1): BackupStore {
  let left = times;
  return {
    ...store,
    async openWriter(path) {
      if (path.includes('orders') && left-- > 0) await disturb();
      return store.openWriter(path);
    },
  };
}

describe('what is backed up', () => {
  test.each([
    [{}, ['empty', 'orders', 'users']],
    [{ include: ['users', '*.orders'] }, ['orders', 'users']],
    [{ exclude: ['*r*'] }, ['empty']],
  ])('by %j: %j', async (patterns, expected) => {
    const manifest = await create({ selection: { databases: [database], ...patterns } });
    expect(manifest.collections.map(({ name }) => name)).toEqual(expected);
  });

  test('is made to outlive a loss of power after the last file, and before the manifest counts', async () => {
    const events: string[] = [];
    const watched: BackupStore = {
      ...store,
      async put(path, content, options) {
        await store.put(path, content, options);
        events.push(`${path.endsWith('/manifest.json') ? 'manifest' : 'file'}${options?.secureLater === true ? '' : ', safe'}`);
      },
      async secure() {
        await store.secure();
        events.push('all safe');
      },
    };
    const { collections } = await create({ store: watched });
    expect(events.slice(-2)).toEqual(['all safe', 'manifest, safe']);
    // Metadata and frame table of each collection.
    expect(events.slice(0, -2)).toEqual(collections.flatMap(() => ['file', 'file']));
  });

  test('every database but those of the server, when none is named', async () => {
    const manifest = await create({ selection: { databases: [], include: [`${database}.users`] } });
    expect(manifest.collections.map(({ database: name }) => name)).toEqual([database]);
    expect(manifest.selection.databases).not.toContain('local');
  });

  test('nothing, when nothing fits', async () => {
    await expect(create({ selection: { databases: [database], include: ['none'] } })).rejects.toMatchObject({
      code: 'backup/nothing-selected',
    });
    expect(await readdir(folder.path)).toEqual([]);
  });

  test.each([
    ['missing', 'does not exist'],
    ['empty', 'is empty'],
  ])('nothing, when the required collection %s %s', async (name, why) => {
    const attempt = create({ requiredCollections: ['orders', name] });
    await expect(attempt).rejects.toMatchObject({ code: 'backup/required-collection', message: expect.stringContaining(why) });
    expect(await readdir(folder.path)).toEqual([]);
  });
});

describe('one point in time', () => {
  test('writes after the start are not seen, in no collection', async () => {
    const db = connection.client.db(database);
    const write = (): Promise<unknown> =>
      Promise.all([db.collection('users').insertOne({ late: true }), db.collection('orders').updateMany({}, { $set: { late: true } })]);
    const manifest = await create({ store: disturbed(write) });
    expect(manifest.consistency.kind).toBe('snapshot');
    let late = 0;
    for (const { data } of manifest.collections) {
      if (data === undefined) continue;
      for await (const { bytes } of readFrames({ store, id: manifest.id, compression: 'zstd', data }))
        forEachDocument(bytes, (start, end) => (late += bytes.subarray(start, end).includes('late') ? 1 : 0));
    }
    expect(late).toBe(0);
    await db.collection('users').deleteMany({ late: true });
    await db.collection('orders').updateMany({}, { $unset: { late: 1 } });
  });

  test('a collection whose definition changes before it is read makes the backup begin again at a later time', async () => {
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warning: (line) => warnings.push(line) };
    const orders = connection.client.db(database).collection('orders');
    const change = async (): Promise<void> => {
      await (await orders.rename('orders_elsewhere')).rename('orders');
    };
    const manifest = await create({ log, store: disturbed(change) });
    expect(warnings).toEqual([expect.stringContaining('begins again (attempt 2 of 3)')]);
    expect(manifest.collections.find(({ name }) => name === 'orders')?.digest.documents).toBe(3_000);
  });

  test('a collection that is dropped and made again is noticed', async () => {
    const db = connection.client.db(database);
    await db.collection('orders_tmp').insertOne({ n: 1 });
    const replace = async (): Promise<void> => {
      await db.collection('orders_tmp').drop();
      await db.collection('orders_tmp').insertOne({ n: 2 });
    };
    const manifest = await create({ store: disturbed(replace) });
    expect(manifest.collections.find(({ name }) => name === 'orders_tmp')?.digest.documents).toBe(1);
    await db.collection('orders_tmp').drop();
  });

  test('a capped collection that is written during the backup is named', async () => {
    const db = connection.client.db(database);
    await db.createCollection('capped', { capped: true, size: 100_000 });
    await db.collection('capped').insertOne({ n: 1 });
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warning: (line) => warnings.push(line) };
    const quiet = await create({ log });
    expect(quiet.collections.every(({ pointInTime }) => pointInTime)).toBe(true);
    expect(warnings).toEqual([]);
    const busy = await create({ log, store: disturbed(() => db.collection('capped').insertOne({ n: 2 })) });
    expect(busy.collections.filter(({ pointInTime }) => !pointInTime).map(({ name }) => name)).toEqual(['capped']);
    expect(warnings).toEqual([expect.stringContaining(`${database}.capped was written during the backup`)]);
    await db.collection('capped').drop();
  });

  test('quiescent is proven by the change stream, or refused', async () => {
    const manifest = await create({ consistency: 'quiescent' });
    expect(manifest.consistency).toMatchObject({ kind: 'quiescent', clusterTime: expect.any(String) });
    expect(manifest.collections.every(({ pointInTime }) => pointInTime)).toBe(true);
    const write = (): Promise<unknown> => connection.client.db(database).collection('users').insertOne({ late: true });
    await expect(create({ consistency: 'quiescent', store: disturbed(write) })).rejects.toMatchObject({ code: 'backup/not-quiescent' });
    await connection.client.db(database).collection('users').deleteMany({ late: true });
  });
});

describe('a standalone server', () => {
  let server: EmbeddedServer;
  let standalone: Connection;

  beforeAll(async () => {
    server = await startMongod({ kind: 'standalone' });
    standalone = await connect(new Secret(server.uri));
    await standalone.client.db('shop').collection('users').insertOne({ a: 1 });
  });

  afterAll(async () => {
    await standalone.client.close();
    await server.stop();
  });

  const onStandalone = (options: Partial<CreateOptions>): Promise<Manifest> =>
    create({ connection: standalone, selection: { databases: ['shop'] }, ...options });

  test('gives no point in time, and the manifest says so', async () => {
    const manifest = await onStandalone({});
    expect(manifest.consistency).toEqual({ kind: 'none' });
    expect(manifest.collections.map(({ pointInTime }) => pointInTime)).toEqual([false]);
  });

  test('is refused for production unless none was asked for by name', async () => {
    await expect(onStandalone({ environment: 'Production' })).rejects.toMatchObject({ code: 'backup/consistency-refused' });
    await expect(onStandalone({ consistency: 'snapshot' })).rejects.toMatchObject({ code: 'backup/consistency-refused' });
    await expect(onStandalone({ environment: 'production', consistency: 'none' })).resolves.toMatchObject({ environment: 'production' });
  });
});

describe('what goes wrong', () => {
  test('leaves nothing behind when it is cancelled', async () => {
    const controller = new AbortController();
    const cancel = async (): Promise<void> => controller.abort(new Error('cancelled'));
    await expect(create({ signal: controller.signal, store: disturbed(cancel) })).rejects.toThrow('cancelled');
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('a store that fails is named, and nothing is left', async () => {
    const failing: BackupStore = { ...store, openWriter: (path) => store.openWriter(`\0${path}`) };
    await expect(create({ store: failing })).rejects.toMatchObject({ code: 'backup/store-failed' });
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('a store without space is seen before', async () => {
    const full: BackupStore = { ...store, freeBytes: async () => 1_000 };
    await expect(create({ store: full })).rejects.toMatchObject({ code: 'backup/no-space' });
  });
});
