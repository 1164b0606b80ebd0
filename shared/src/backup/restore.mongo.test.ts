import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Collection } from 'mongodb';
import { compareCensus } from '../checks/compare-census.ts';
import type { GuardError } from '../errors/guard-error.ts';
import { silentLog } from '../log/log.ts';
import { takeCensus, type Census } from '../mongo/census.ts';
import { connect, type Connection } from '../mongo/connect.ts';
import { Secret } from '../redaction/secret.ts';
import { failCommand } from '../testing/fail-command.ts';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '../testing/mongod.ts';
import { temporaryFolder, type TemporaryFolder } from '../testing/temporary-folder.ts';
import { createBackup } from './create.ts';
import type { Manifest } from './manifest.ts';
import { parseRenames } from './namespaces.ts';
import { shadowOf } from './restore-collection.ts';
import { restoreBackup, type RestoreOptions, type RestoreResult } from './restore.ts';
import type { BackupStore } from './store.ts';
import { directoryStore } from './stores/directory.ts';

const database = uniqueDatabase('restore');
const target = uniqueDatabase('restore_target');
let connection: Connection;
let folder: TemporaryFolder;
let store: BackupStore;
let manifest: Manifest;

beforeAll(async () => {
  connection = await connectShared();
  folder = await temporaryFolder();
  store = directoryStore(folder.path);
  const db = connection.client.db(database);
  await db.collection('orders').insertMany(Array.from({ length: 500 }, (_, n) => ({ n })));
  await db.collection('orders').createIndex({ n: 1 }, { unique: true });
  await db.collection('users').insertMany([{ name: 'a' }, { name: 'b' }]);
  await db.createCollection('active', { viewOn: 'users', pipeline: [{ $match: { active: true } }] });
  manifest = await createBackup({ connection, store, selection: { databases: [database] }, log: silentLog });
});

afterEach(() => dropDatabases(connection.client, [target]));

afterAll(async () => {
  await dropDatabases(connection.client, [database, target]);
  await connection.client.close();
  await folder[Symbol.asyncDispose]();
});

const toTarget = parseRenames([`${database}.*`], [`${target}.*`]);
const restore = (options: Partial<RestoreOptions> = {}): Promise<RestoreResult> =>
  restoreBackup({ client: connection.client, store, backupId: manifest.id, renames: toTarget, drop: false, log: silentLog, ...options });
const names = async (): Promise<string[]> =>
  (await connection.client.db(target).listCollections().toArray()).map(({ name }) => name).sort();
const census = (): Promise<Census> => takeCensus(connection.client, target, { digests: true });

describe('what is restored', () => {
  test('everything, by default', async () => {
    const result = await restore();
    expect(result.collections.map(({ to, replaced }) => [to.collection, replaced])).toEqual([
      ['active', false],
      ['orders', false],
      ['users', false],
    ]);
    expect(await names()).toEqual(['active', 'orders', 'system.views', 'users']);
  });

  test.each([
    [{ only: [`${database}.users`] }, ['users']],
    [{ include: ['orders'] }, ['orders']],
    [{ exclude: ['orders', 'active'] }, ['users']],
    [{ databases: [database], include: ['users'] }, ['users']],
  ])('by %j: %j', async (options, expected) => {
    await restore(options);
    expect(await names()).toEqual(expected);
  });

  test('one collection under another name', async () => {
    await restore({ only: [`${database}.users`], renames: parseRenames([`${database}.users`], [`${target}.old users`]) });
    expect(await names()).toEqual(['old users']);
  });

  test.each([
    [{ only: ['other.users'] }, 'backup/not-found'],
    [{ include: ['nothing'] }, 'backup/nothing-selected'],
    [{ databases: ['other'] }, 'backup/nothing-selected'],
    [{ backupId: '20200101T000000Z-000000' }, 'backup/not-found'],
    [{ renames: parseRenames(['*.orders', '*.users'], [`${target}.*`, `${target}.*`]) }, 'restore/conflict'],
  ])('refuses %j with %s', async (options, code) => {
    await expect(restore(options)).rejects.toMatchObject({ code });
    expect(await names()).toEqual([]);
  });
});

describe('into what is there', () => {
  const fill = async (): Promise<void> => {
    const db = connection.client.db(target);
    await db.collection('orders').insertMany([{ mine: 1 }]);
    await db.collection('other').insertMany([{ mine: 2 }]);
  };

  test('refuses to touch an existing collection, whatever else could be restored', async () => {
    await fill();
    const before = await census();
    await expect(restore()).rejects.toMatchObject({ code: 'restore/target-exists', message: expect.stringContaining(`${target}.orders`) });
    expect(compareCensus(before, await census())).toEqual([]);
  });

  test('replaces it when drop is set, and leaves the others alone', async () => {
    await fill();
    const result = await restore({ drop: true });
    expect(result.collections.find(({ to }) => to.collection === 'orders')?.replaced).toBe(true);
    expect(await names()).toEqual(['active', 'orders', 'other', 'system.views', 'users']);
    expect(await connection.client.db(target).collection('orders').countDocuments()).toBe(500);
  });

  test('replaces a view by a collection and a collection by a view', async () => {
    const db = connection.client.db(target);
    await db.createCollection('users', { viewOn: 'x', pipeline: [] });
    await db.collection('active').insertOne({ mine: 1 });
    await restore({ drop: true });
    expect((await census()).collections.map(({ name, type }) => [name, type])).toEqual([
      ['active', 'view'],
      ['orders', 'collection'],
      ['users', 'collection'],
    ]);
  });

  test('a failure before the end leaves it as it was, and no shadow', async () => {
    await fill();
    const before = await census();
    const broken: BackupStore = {
      ...store,
      read: (path, range) => (path.includes('users.bson') ? Promise.resolve(undefined) : store.read(path, range)),
    };
    await expect(restore({ drop: true, store: broken })).rejects.toMatchObject({ code: 'backup/incomplete' });
    expect(compareCensus(before, await census())).toEqual([]);
    expect(await names()).toEqual(['orders', 'other']);
  });

  test('a cancel leaves it as it was', async () => {
    await fill();
    const before = await census();
    const controller = new AbortController();
    const cancelling: BackupStore = {
      ...store,
      read(path, range) {
        if (path.includes('users.bson')) controller.abort(new Error('cancelled'));
        return store.read(path, range);
      },
    };
    await expect(restore({ drop: true, store: cancelling, signal: controller.signal })).rejects.toThrow('cancelled');
    expect(compareCensus(before, await census())).toEqual([]);
    expect(await names()).toEqual(['orders', 'other']);
  });

  test('a failure between two names says which collections have theirs, and the same restore again finishes it', async () => {
    await fill();
    const appName = 'between-two-names';
    await using own = await connect(new Secret(sharedUri()), { appName });
    const named: (readonly [number, number])[] = [];
    const options = { client: own.client, drop: true, exclude: ['active'], onNamed: (...now: [number, number]) => void named.push(now) };
    const data = { failCommands: ['renameCollection'], errorCode: 14_031, appName };
    const failing = await failCommand(own.client, { skip: 1 }, data);
    const failure = await restore(options).catch((error: unknown) => error);
    await failing[Symbol.asyncDispose]();
    const told = /disk of the server is full.* 1 of 2 collections were restored by then \(\S+\.(\w+)\); \S+\.(\w+) may be missing now\.$/;
    const [, done = '', missing = ''] = told.exec((failure as GuardError).message) ?? [];
    expect([done, missing].toSorted()).toEqual(['orders', 'users']);
    expect((failure as GuardError).remedy).toContain('`drop: true`');
    expect(named).toEqual([
      [0, 2],
      [1, 2],
    ]);
    expect(await names()).toEqual([...new Set(['orders', 'other', done])].toSorted());
    const [restored, source] = [target, database].map((name) => connection.client.db(name).collection(done));
    expect(await restored?.countDocuments()).toBe(await source?.countDocuments());
    await restore(options);
    expect(await names()).toEqual(['orders', 'other', 'users']);
  });

  test('what a killed restore left behind is in nobody’s way', async () => {
    await restore();
    const shadow = shadowOf({ database: target, collection: 'users' });
    for (const left of [shadow.collection, `migration_restore_${'0'.repeat(16)}`])
      await connection.client.db(target).collection(left).insertOne({ a: 1 });
    await restore({ drop: true });
    expect((await census()).collections.map(({ name }) => name)).toEqual(['active', 'orders', 'users']);
  });
});

/** A store during whose reading somebody else meddles with the collections that are being loaded. */
function meddled(meddle: (shadow: Collection) => Promise<unknown>): BackupStore {
  const db = connection.client.db(target);
  return {
    ...store,
    async read(path, range) {
      if (path.includes('users.bson')) {
        const shadows = await db.listCollections({ name: /^migration_restore_/ }).toArray();
        for (const { name } of shadows) await meddle(db.collection(name));
      }
      return store.read(path, range);
    },
  };
}

test('a document that appears from elsewhere is a failed proof', async () => {
  const intruder = meddled((shadow) => shadow.insertOne({ intruder: true }));
  await expect(restore({ store: intruder, only: [`${database}.users`] })).rejects.toMatchObject({ code: 'restore/digest-mismatch' });
  expect(await names()).toEqual([]);
});

test('an index that appears from elsewhere is a failed proof', async () => {
  const intruder = meddled((shadow) => shadow.createIndex({ intruder: 1 }));
  await expect(restore({ store: intruder, only: [`${database}.users`] })).rejects.toMatchObject({ code: 'restore/definition-mismatch' });
});
