import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from '@jest/globals';
import { compareCensus } from '../checks/compare-census.ts';
import { silentLog } from '../log/log.ts';
import { takeCensus } from '../mongo/census.ts';
import type { Connection } from '../mongo/connect.ts';
import { otherIdentities, testIdentities, testRecipients } from '../testing/age-keys.ts';
import { fillEveryKind } from '../testing/every-kind.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import { temporaryFolder, type TemporaryFolder } from '../testing/temporary-folder.ts';
import { decryptingStore } from './age/decrypting-store.ts';
import { createBackup } from './create.ts';
import { listBackups } from './list.ts';
import { readManifest, type Manifest } from './manifest.ts';
import { restoreBackup } from './restore.ts';
import { directoryStore } from './stores/directory.ts';
import { verifyBackup } from './verify.ts';

const database = uniqueDatabase('encrypted');
const copy = uniqueDatabase('encrypted_copy');
const log = silentLog;
let connection: Connection;
let folder: TemporaryFolder;

beforeAll(async () => {
  connection = await connectShared();
  const db = connection.client.db(database);
  await fillEveryKind(db);
  await db.createCollection('checked', { validator: { card: { $ne: 'hunter2' } } });
  await db.collection('checked').createIndex({ a: 1 }, { partialFilterExpression: { name: 'hunter3' } });
  await db.collection('checked').insertOne({ _id: 'hunter4' as never, word: 'hunter5' });
  // A name that leaves no room for one more suffix.
  await db.collection('n'.repeat(200) + 'ü'.repeat(6)).insertOne({ a: 1 });
});

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(async () => folder[Symbol.asyncDispose]());

afterAll(async () => {
  await dropDatabases(connection.client, [database, copy]);
  await connection.client.close();
});

const create = (compression: Manifest['compression'] = 'zstd'): Promise<Manifest> =>
  createBackup({
    connection,
    store: directoryStore(folder.path),
    selection: { databases: [database] },
    recipients: testRecipients,
    compression,
    log,
  });

test.each(['zstd', 'gzip', 'none'] as const)(
  'an encrypted backup is made without a key and restored exactly with one, with %s',
  async (compression) => {
    const { id, digest } = await create(compression);
    const store = decryptingStore(directoryStore(folder.path), testIdentities);
    expect((await verifyBackup({ store, backupId: id, log })).digest).toEqual(digest);
    const mapNamespace = ({ collection }: { collection: string }): { database: string; collection: string } => ({
      database: copy,
      collection,
    });
    await restoreBackup({ client: connection.client, store, backupId: id, mapNamespace, drop: true, log });
    const [before, after] = [
      await takeCensus(connection.client, database, { digests: true }),
      await takeCensus(connection.client, copy, { digests: true }),
    ];
    expect(compareCensus(before, { ...after, database })).toEqual([]);
  },
);

test('no value of a document, an option or an index can be read in it', async () => {
  const { id } = await create('none');
  const files = (await readdir(path.join(folder.path, id), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  for (const { parentPath, name } of files) {
    const content = await readFile(path.join(parentPath, name), 'latin1');
    expect(content).not.toMatch(/hunter/);
    expect(name === 'manifest.json' || content.startsWith('age-encryption.org/v1\n')).toBe(true);
  }
});

test('without a key it is listed and its stored bytes are verified, but neither read nor restored', async () => {
  const { id } = await create();
  const store = decryptingStore(directoryStore(folder.path), []);
  expect(await listBackups(store)).toMatchObject([{ id, status: 'committed' }]);
  await verifyBackup({ store, backupId: id, log });
  await expect(readManifest(store, id)).rejects.toMatchObject({ code: 'backup/key-missing' });
  const restoring = restoreBackup({ client: connection.client, store, backupId: id, drop: true, log });
  await expect(restoring).rejects.toMatchObject({ code: 'backup/key-missing' });
});

test('fault 16: the key of somebody else is refused before anything is touched', async () => {
  const { id } = await create();
  const store = decryptingStore(directoryStore(folder.path), otherIdentities);
  expect(await listBackups(store)).toMatchObject([{ id, status: 'committed' }]);
  await expect(verifyBackup({ store, backupId: id, log })).rejects.toMatchObject({ code: 'backup/key-wrong' });
  const restoring = restoreBackup({ client: connection.client, store, backupId: id, drop: true, log });
  await expect(restoring).rejects.toMatchObject({ code: 'backup/key-wrong' });
});

test.each([{ identities: testIdentities }, { identities: [] }])(
  'fault 16: a file of another backup for the same key is found, with $identities.length keys',
  async ({ identities }) => {
    const one = await create();
    await connection.client.db(database).collection('types').insertOne({ more: true });
    const other = await create();
    await connection.client.db(database).collection('types').deleteOne({ more: true });
    const store = decryptingStore(directoryStore(folder.path), identities);
    for (const file of [`dump/${database}/types.bson.zst.age`, `frames/${database}/types.json.age`, 'definitions.json.age']) {
      const [place, foreign] = [one, other].map(({ id }) => path.join(folder.path, id, file));
      const own = await readFile(place ?? '');
      await writeFile(place ?? '', await readFile(foreign ?? ''));
      await expect(verifyBackup({ store, backupId: one.id, log })).rejects.toMatchObject({
        code: expect.stringMatching(/^backup\/(checksum-mismatch|incomplete)$/),
      });
      await writeFile(place ?? '', own);
    }
    await verifyBackup({ store, backupId: one.id, log });
  },
);

test.each([{ identities: testIdentities }, { identities: [] }])(
  'faults 13, 14, 16: a changed header or content, or a cut-off file, is found, with $identities.length keys',
  async ({ identities }) => {
    const { id } = await create();
    const file = path.join(folder.path, id, 'dump', database, 'types.bson.zst.age');
    const verifying = (): Promise<unknown> =>
      verifyBackup({ store: decryptingStore(directoryStore(folder.path), identities), backupId: id, log });
    const bytes = await readFile(file);
    for (const at of [30, 190, bytes.length - 3]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await writeFile(file, changed);
      await expect(verifying()).rejects.toMatchObject({
        code: expect.stringMatching(/^backup\/(checksum-mismatch|key-wrong|incomplete)$/),
      });
    }
    await writeFile(file, bytes);
    await verifying();
    await truncate(file, bytes.length - 1);
    await expect(verifying()).rejects.toMatchObject({ code: 'backup/incomplete' });
  },
);
