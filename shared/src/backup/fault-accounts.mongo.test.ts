import { readdir } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Document } from 'mongodb';
import type { EmbeddedServer } from '../embedded/server.ts';
import { silentLog, type Log } from '../log/log.ts';
import { connect, type Connection } from '../mongo/connect.ts';
import { Secret } from '../redaction/secret.ts';
import { startMongod } from '../testing/mongod.ts';
import { temporaryFolder, type TemporaryFolder } from '../testing/temporary-folder.ts';
import { accountsOfBackup } from './accounts/backup-accounts.ts';
import { restoreAccounts, type RestoredAccounts } from './accounts/restore-accounts.ts';
import type { CreateOptions } from './create-options.ts';
import { createBackup } from './create.ts';
import type { Manifest } from './manifest.ts';
import { restoreBackup } from './restore.ts';
import type { BackupStore } from './store.ts';
import { directoryStore } from './stores/directory.ts';
import { verifyBackup } from './verify.ts';

let server: EmbeddedServer;
let root: Connection;
let folder: TemporaryFolder;
let store: BackupStore;

const uriOf = (user: string, password = 'p'): Secret => {
  const url = new URL(server.uri);
  url.username = user;
  url.password = password;
  url.searchParams.set('authSource', 'admin');
  return new Secret(url.href);
};

beforeAll(async () => {
  server = await startMongod({ kind: 'replica-set', members: 1 }, { rootPassword: 'p' });
  root = await connect(uriOf('root'));
  await root.client
    .db('shop')
    .collection('orders')
    .insertMany([{ n: 1 }, { n: 2 }]);
  await root.client.db('other').collection('a').insertOne({ n: 1 });
  const admin = root.client.db('admin');
  const role: Document = { role: 'read', db: 'shop' };
  await admin.command({ createUser: 'reader', pwd: 'p', roles: [role] });
  await admin.command({ createUser: 'operator', pwd: 'p', roles: ['backup', 'restore', 'readWriteAnyDatabase'] });
});

beforeEach(async () => {
  folder = await temporaryFolder();
  store = directoryStore(folder.path);
  const shop = root.client.db('shop');
  await shop.command({
    createRole: 'teller',
    privileges: [{ resource: { db: 'shop', collection: 'orders' }, actions: ['find'] }],
    roles: [],
  });
  await shop.command({ createUser: 'app', pwd: 'secret-word', roles: ['teller'] });
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
  for (const command of [{ dropAllUsersFromDatabase: 1 }, { dropAllRolesFromDatabase: 1 }]) await root.client.db('shop').command(command);
  await root.client.db('copy').dropDatabase();
});

afterAll(async () => {
  await root.client.close();
  await server.stop();
});

const create = (options: Partial<CreateOptions> = {}): Promise<Manifest> =>
  createBackup({ connection: root, store, selection: { databases: ['shop'] }, log: silentLog, ...options });

const mapNamespace = ({ collection }: { collection: string }): { database: string; collection: string } => ({
  database: 'copy',
  collection,
});

describe('fault 27: a user without the privileges', () => {
  test('for a backup is told so before anything is written', async () => {
    await using reader = await connect(uriOf('reader'));
    await expect(create({ connection: reader, selection: { databases: ['shop', 'other'] } })).rejects.toMatchObject({
      code: 'target/privilege-missing',
      message: 'The user may not do listCollections, listIndexes, find in the database other.',
    });
    await expect(create({ connection: reader, accounts: true })).rejects.toMatchObject({ code: 'target/privilege-missing' });
    await expect(create({ connection: reader, consistency: 'oplog' })).rejects.toMatchObject({
      code: 'backup/consistency-refused',
      message: expect.stringContaining('may not read the oplog'),
    });
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('for the oplog still gets a snapshot', async () => {
    await using reader = await connect(uriOf('reader'));
    expect((await create({ connection: reader })).consistency.kind).toBe('snapshot');
  });

  test('for a restore is told so before anything is touched', async () => {
    const { id } = await create();
    await using reader = await connect(uriOf('reader'));
    const attempt = restoreBackup({ client: reader.client, store, backupId: id, mapNamespace, drop: false, log: silentLog });
    await expect(attempt).rejects.toMatchObject({
      code: 'target/privilege-missing',
      message: expect.stringContaining('insert, bypassDocumentValidation, createCollection'),
    });
    expect(await root.client.db('copy').collections()).toEqual([]);
  });

  test('the roles backup, restore and readWriteAnyDatabase are enough', async () => {
    await using operator = await connect(uriOf('operator'));
    const { id } = await create({ connection: operator, consistency: 'oplog', accounts: true });
    await restoreBackup({ client: operator.client, store, backupId: id, mapNamespace, drop: false, log: silentLog });
    expect(await root.client.db('copy').collection('orders').countDocuments()).toBe(2);
  });
});

describe('fault 46: users and roles', () => {
  const mayLogIn = (user: string, password: string): Promise<boolean> => {
    const url = new URL(uriOf(user, password).reveal());
    url.searchParams.set('authSource', 'shop');
    return connect(new Secret(url.href)).then(
      (connection) => connection.client.close().then(() => true),
      () => false,
    );
  };
  async function restoreUsers(backupId: string, { drop, log = silentLog }: { drop: boolean; log?: Log }): Promise<RestoredAccounts> {
    return restoreAccounts({ client: root.client, wanted: await accountsOfBackup({ store, backupId }), drop, log });
  }
  const dropAll = async (): Promise<void> => {
    for (const command of [{ dropAllUsersFromDatabase: 1 }, { dropAllRolesFromDatabase: 1 }]) await root.client.db('shop').command(command);
  };

  test.each([[['shop']], [[]]])('of the databases %j come back, with their passwords, and nobody else is lost', async (databases) => {
    const lines: string[] = [];
    const keep = (line: string): void => void lines.push(line);
    const log: Log = { ...silentLog, debug: keep, info: keep, warning: keep };
    const manifest = await create({ accounts: true, selection: { databases, include: ['shop.*'] }, log });
    await verifyBackup({ store, backupId: manifest.id, log });
    await dropAll();
    expect(await mayLogIn('app', 'secret-word')).toBe(false);
    await root.client.db('shop').command({ createUser: 'later', pwd: 'later', roles: [] });
    const restored = await restoreUsers(manifest.id, { drop: true, log });
    expect(restored).toMatchObject({ roles: 1, kept: [] });
    expect(await mayLogIn('app', 'secret-word')).toBe(true);
    expect(await mayLogIn('later', 'later')).toBe(true);
    expect(await mayLogIn('app', 'wrong')).toBe(false);
    expect(lines.join('\n')).not.toMatch(/SCRAM|storedKey|secret-word/);
    expect((await root.client.db('admin').listCollections({ name: /^temp/ }).toArray()).length).toBe(0);
  });

  test('that are there already stay without drop, and are named', async () => {
    const { id } = await create({ accounts: true });
    await root.client.db('shop').command({ updateUser: 'app', pwd: 'changed' });
    expect((await restoreUsers(id, { drop: false })).kept).toEqual(['shop.app']);
    expect(await mayLogIn('app', 'changed')).toBe(true);
    expect((await restoreUsers(id, { drop: true })).kept).toEqual([]);
    expect(await mayLogIn('app', 'secret-word')).toBe(true);
  });

  test('are not restored from a backup without them', async () => {
    const { id } = await create();
    await expect(restoreUsers(id, { drop: false })).rejects.toMatchObject({ code: 'restore/no-accounts' });
  });
});
