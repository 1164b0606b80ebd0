import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Db } from 'mongodb';
import type { EmbeddedServer } from '../../embedded/server.ts';
import { silentLog } from '../../log/log.ts';
import { connect, type Connection } from '../../mongo/connect.ts';
import { Secret } from '../../redaction/secret.ts';
import { disturbedStore } from '../../testing/disturbed-store.ts';
import { fillEveryKind } from '../../testing/every-kind.ts';
import { dropDatabases, startMongod } from '../../testing/mongod.ts';
import { requireStockTool } from '../../testing/stock-tools.ts';
import { temporaryFolder, type TemporaryFolder } from '../../testing/temporary-folder.ts';
import { differingCollections, truthOf } from '../../testing/truth.ts';
import { accountsOfBackup } from '../accounts/backup-accounts.ts';
import { restoreAccounts } from '../accounts/restore-accounts.ts';
import type { CreateOptions } from '../create-options.ts';
import { createBackup } from '../create.ts';
import type { Manifest } from '../manifest.ts';
import { accountsOfDump } from '../stock/dump-accounts.ts';
import type { StockDump } from '../stock/dump.ts';
import { openDump } from '../stock/open-dump.ts';
import { restoreDump } from '../stock/restore-dump.ts';
import type { BackupStore } from '../store.ts';
import { directoryStore } from '../stores/directory.ts';
import { mongodumpEngine } from './mongodump.ts';
import { restoreByMongorestore } from './mongorestore.ts';
import type { ToolAccess } from './mongo-tools.ts';

// The stock tools themselves beside ours. No registry carries them: .ci/run starts this suite where they are.
let server: EmbeddedServer;
let root: Connection;
let shop: Db;
let folder: TemporaryFolder;
let store: BackupStore;

const uriOf = (user: string, database = 'admin'): string => {
  const url = new URL(server.uri);
  url.username = user;
  url.password = 'p';
  url.searchParams.set('authSource', database);
  return url.href;
};

beforeAll(async () => {
  server = await startMongod({ kind: 'replica-set', members: 1 }, { rootPassword: 'p' });
  root = await connect(new Secret(uriOf('root')));
  shop = root.client.db('shop');
});

beforeEach(async () => {
  folder = await temporaryFolder();
  store = directoryStore(path.join(folder.path, 'store'));
  await fillEveryKind(shop);
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
  await dropDatabases(root.client, ['shop', 'copy']);
});

afterAll(async () => {
  await root.client.close();
  await server.stop();
});

async function run(name: 'mongodump' | 'mongorestore', args: readonly string[]): Promise<void> {
  await promisify(execFile)(requireStockTool(name), ['--quiet', `--uri=${uriOf('root')}`, ...args]);
}

const create = (options: Partial<CreateOptions> = {}): Promise<Manifest> =>
  createBackup({ connection: root, store, selection: { databases: ['shop'] }, log: silentLog, ...options });

const dumpOf = ({ id }: Manifest): string => path.join(store.locate(id), 'dump');

/** Drops the database, has it restored, and expects it to be what it was. */
async function expectRestored(restore: () => Promise<unknown>): Promise<void> {
  const truth = await truthOf(shop);
  await shop.dropDatabase();
  await restore();
  expect(differingCollections(truth, await truthOf(shop))).toEqual([]);
}

async function open(location: string): Promise<StockDump> {
  const dump = await openDump(location);
  if (dump === undefined) throw new Error(`${location} was not taken for a dump`);
  return dump;
}

const faithfully = ['--maintainInsertionOrder', '--stopOnError', '--bypassDocumentValidation'];

function access(): ToolAccess {
  const { signal } = new AbortController();
  const at = path.dirname(requireStockTool('mongodump'));
  return { uri: new Secret(uriOf('root')), at, env: { PATH: process.env['PATH'] }, log: silentLog, signal };
}

describe('stock mongorestore', () => {
  test('fault 50: restores our folder exactly', async () => {
    const manifest = await create({ compression: 'gzip' });
    await expectRestored(() => run('mongorestore', ['--gzip', ...faithfully, dumpOf(manifest)]));
  });

  test('fault 50: restores our plain folder exactly', async () => {
    const manifest = await create({ compression: 'none' });
    await expectRestored(() => run('mongorestore', [...faithfully, dumpOf(manifest)]));
  });

  test('fault 50: restores the archive that we give it by a pipe', async () => {
    const { id } = await create();
    const options = { client: root.client, store, backupId: id, drop: false, log: silentLog };
    await expectRestored(() => restoreByMongorestore(options, access()));
  });

  test('fault 50: restores our users', async () => {
    await shop.command({ createUser: 'app', pwd: 'p', roles: ['read'] });
    const manifest = await create({ accounts: true, compression: 'gzip' });
    await shop.command({ dropAllUsersFromDatabase: 1 });
    const args = ['--gzip', '--drop', '--db=shop', '--restoreDbUsersAndRoles', '--bypassDocumentValidation'];
    await run('mongorestore', [...args, path.join(dumpOf(manifest), 'shop')]);
    await (await connect(new Secret(uriOf('app', 'shop')))).client.close();
    await shop.command({ dropAllUsersFromDatabase: 1 });
  });

  test('fault 50: replays our oplog', async () => {
    const orders = shop.collection<{ _id: number; n?: number }>('orders');
    await orders.insertMany(Array.from({ length: 2_000 }, (_, n) => ({ _id: n, n })));
    await shop.collection('users').createIndex({ name: 1 }, { unique: true });
    const write = async (): Promise<void> => {
      await orders.updateMany({ n: { $lt: 500 } }, { $set: { changed: true } });
      await shop.collection('made').insertOne({ a: 1 });
      await orders.createIndex({ n: 1 });
      await root.client.withSession((session) =>
        session.withTransaction(async () => {
          await orders.deleteMany({ n: { $gt: 1_500 } }, { session });
          await shop.collection('users').insertOne({ name: 'c' }, { session });
        }),
      );
      await shop.collection('users').drop();
      await shop.collection('users').insertMany([{ name: 'new' }]);
    };
    const busy = disturbedStore(store, { at: 'close', path: /orders\.bson/ }, write);
    const manifest = await create({ consistency: 'oplog', compression: 'gzip', store: busy });
    await expectRestored(() => run('mongorestore', ['--gzip', '--oplogReplay', '--bypassDocumentValidation', dumpOf(manifest)]));
  });
});

describe('stock mongodump', () => {
  test.each([
    ['a folder', (to: string) => [`--out=${to}`]],
    ['a folder of gzip', (to: string) => ['--gzip', `--out=${to}`]],
    ['an archive', (to: string) => [`--archive=${to}`]],
    ['an archive of gzip', (to: string) => ['--gzip', `--archive=${to}`]],
  ])('fault 51: writes %s that we restore exactly', async (_form, args) => {
    const to = path.join(folder.path, 'theirs');
    await run('mongodump', ['--db=shop', ...args(to)]);
    await expectRestored(async () => restoreDump(await open(to), { client: root.client, drop: false, log: silentLog }));
  });

  test.each([
    ['of one database', ['--db=shop', '--dumpDbUsersAndRoles']],
    ['of all databases', []],
  ])('fault 51: writes users and roles %s that we restore', async (_what, args) => {
    const role = { role: 'teller', db: 'shop' };
    await shop.command({ createRole: 'teller', privileges: [], roles: ['read'] });
    await shop.command({ createUser: 'app', pwd: 'p', roles: [role] });
    for (const form of [`--out=${path.join(folder.path, 'out')}`, `--archive=${path.join(folder.path, 'archive')}`]) {
      await run('mongodump', [...args, form]);
      await shop.command({ dropAllUsersFromDatabase: 1 });
      await shop.command({ dropAllRolesFromDatabase: 1 });
      const wanted = await accountsOfDump(await open(form.replace(/^--\w+=/, '')), { databases: ['shop'] });
      expect([[...wanted.users.keys()], [...wanted.roles.keys()]]).toEqual([['"shop.app"'], ['"shop.teller"']]);
      await restoreAccounts({ client: root.client, wanted, drop: false, log: silentLog });
      await (await connect(new Secret(uriOf('app', 'shop')))).client.close();
    }
    await shop.command({ dropAllUsersFromDatabase: 1 });
    await shop.command({ dropAllRolesFromDatabase: 1 });
  });

  test('fault 52: writes the very bytes that we write, documents and metadata', async () => {
    const theirs = path.join(folder.path, 'theirs');
    await run('mongodump', ['--db=shop', `--out=${theirs}`]);
    const manifest = await create({ compression: 'none' });
    const files = (await store.files(`${manifest.id}/dump`)).map((file) => file.path.replace(`${manifest.id}/dump/`, ''));
    expect(files.length).toBeGreaterThan(30);
    for (const file of files) {
      const [ours, stock] = [await readFile(path.join(dumpOf(manifest), file)), await readFile(path.join(theirs, file))];
      expect([file, ours.equals(stock)]).toEqual([file, true]);
    }
  });

  test('reads for us what we read ourselves', async () => {
    const native = await create();
    const manifest = await create({ engine: await mongodumpEngine(access()) });
    expect(manifest.digest).toEqual(native.digest);
    const { users } = await accountsOfBackup({ store, backupId: (await create({ accounts: true })).id });
    expect(users.size).toBe(0);
  });
});
