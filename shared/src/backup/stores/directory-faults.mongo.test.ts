import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { silentLog } from '../../log/log.ts';
import type { Connection } from '../../mongo/connect.ts';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '../../testing/mongod.ts';
import { runOnDisk } from '../../testing/small-disk.ts';
import { temporaryFolder, type TemporaryFolder } from '../../testing/temporary-folder.ts';
import type { CreateOptions } from '../create-options.ts';
import { createBackup } from '../create.ts';
import { listBackups, newestBackupId } from '../list.ts';
import type { Manifest } from '../manifest.ts';
import { parseKeep, planPrune, removeBackup } from '../retention.ts';
import type { BackupStore } from '../store.ts';
import { verifyBackup } from '../verify.ts';
import { directoryStore } from './directory.ts';

const takeBackup = path.resolve(import.meta.dirname, '../../testing/take-backup.ts');
const database = uniqueDatabase('directory_faults');
let connection: Connection;
let folder: TemporaryFolder;
let store: BackupStore;

beforeAll(async () => {
  connection = await connectShared();
  const db = connection.client.db(database);
  for (const name of ['customers', 'orders']) {
    const noise = Array.from({ length: 120 }, (_, n) => ({ n, bytes: Buffer.from(crypto.getRandomValues(new Uint8Array(50_000))) }));
    await db.collection(name).insertMany(noise);
  }
});

afterAll(async () => {
  await dropDatabases(connection.client, [database]);
  await connection.client.close();
});

beforeEach(async () => {
  folder = await temporaryFolder();
  store = directoryStore(folder.path);
});

afterEach(async () => folder[Symbol.asyncDispose]());

const create = (over: Partial<CreateOptions> = {}): Promise<Manifest> =>
  createBackup({ connection, store, selection: { databases: [database] }, log: silentLog, ...over });

const committed = async (): Promise<number> => (await listBackups(store)).filter(({ status }) => status === 'committed').length;

describe('a disk', () => {
  // The first is too small from the beginning, the others become full in the middle of the data, and near their end.
  test.each([1, 4, 8, 11].map((mebibytes) => [mebibytes, mebibytes * 2 ** 20] as const))(
    'fault 6: of %d MiB that is full is a clear failure, and no backup',
    async (_mebibytes, bytes) => {
      expect(await runOnDisk({ folder: folder.path, bytes }, takeBackup, [sharedUri(), database, folder.path])).toBe('backup/no-space');
      expect(await committed()).toBe(0);
    },
  );

  test('with room enough takes the backup', async () => {
    expect(await runOnDisk({ folder: folder.path, bytes: 2 ** 25 }, takeBackup, [sharedUri(), database, folder.path])).toMatch(/^\d{8}T/);
  });

  test('that cannot be written is a clear failure', async () => {
    const disk = { folder: folder.path, readOnly: true };
    expect(await runOnDisk(disk, takeBackup, [sharedUri(), database, path.join(folder.path, 'store')])).toBe('backup/store-failed');
  });

  test('fault 6: leaves no half of a small file when it is full', async () => {
    const full: BackupStore = directoryStore('/dev/full');
    await expect(full.put('id/a', 'x')).rejects.toMatchObject({ code: 'backup/store-failed' });
    await mkdir(path.join(folder.path, 'id', 'a'), { recursive: true });
    await expect(store.put('id/a', 'x')).rejects.toMatchObject({ code: 'backup/store-failed' });
    expect(await readdir(path.join(folder.path, 'id'))).toEqual(['a']);
  });
});

describe('a run that is killed', () => {
  test.each(['in a file', 'before the end of a file', 'between two files', 'before the manifest'])(
    'fault 1: %s leaves no backup, and the next ones are whole',
    async (moment) => {
      const child = spawn(process.execPath, ['--conditions=source', takeBackup, sharedUri(), database, folder.path, moment]);
      const [, signal] = await once(child, 'close');
      expect(signal).toBe('SIGKILL');
      const [left] = await listBackups(store);
      expect(left).toMatchObject({ status: 'unfinished' });
      await expect(newestBackupId(store, 'latest')).rejects.toMatchObject({ code: 'backup/not-found' });
      const { id } = await create();
      await verifyBackup({ store, backupId: id, log: silentLog });
      expect(await newestBackupId(store, 'latest')).toBe(id);
      const tomorrow = new Date(Date.now() + 2 * 86_400_000);
      const { remove } = planPrune(await listBackups(store), parseKeep(['last: 1']), tomorrow);
      for (const one of remove) await removeBackup(store, one.id);
      expect(await readdir(folder.path)).toEqual([id]);
    },
  );

  test('fault 1: after its manifest leaves a backup that is whole', async () => {
    const child = spawn(process.execPath, ['--conditions=source', takeBackup, sharedUri(), database, folder.path, 'after the manifest']);
    expect((await once(child, 'close'))[1]).toBe('SIGKILL');
    await verifyBackup({ store, backupId: await newestBackupId(store, 'latest'), log: silentLog });
  });
});

describe('a folder', () => {
  /** The store, with something that happens when the data of a collection begin. */
  const disturbed = (disturb: () => Promise<unknown>): BackupStore => ({
    ...store,
    async openWriter(file, bytes) {
      if (file.includes('orders')) await disturb();
      return store.openWriter(file, bytes);
    },
  });

  test('that vanishes in the middle is a clear failure, and no backup without its files', async () => {
    let other: Promise<unknown> = Promise.resolve();
    const vanishing: BackupStore = {
      ...store,
      async openWriter(file, bytes) {
        const writer = await store.openWriter(file, bytes);
        if (!file.includes('customers')) return writer;
        const close = async (): Promise<void> => {
          await writer.close();
          // The other collection is being written meanwhile, so the folder may not be empty at once.
          other = rm(folder.path, { recursive: true, force: true, maxRetries: 20, retryDelay: 10 });
          await other;
        };
        return { ...writer, close };
      },
    };
    await expect(create({ store: vanishing })).rejects.toMatchObject({
      code: expect.stringMatching(/^backup\/(incomplete|store-failed)$/),
    });
    await other;
    expect(await committed()).toBe(0);
  });

  test('in which another one writes meanwhile is no backup', async () => {
    const planting = disturbed(async () => {
      const [id = ''] = await store.folders();
      await store.put(`${id}/dump/${database}/planted.bson`, 'x');
    });
    await expect(create({ store: planting })).rejects.toMatchObject({ code: 'backup/unexpected-file' });
    expect(await committed()).toBe(0);
  });

  test('may be a link; links to backups in it are none, and what they point to is never removed', async () => {
    await using real = await temporaryFolder();
    await symlink(real.path, path.join(folder.path, 'linked'));
    const linked = directoryStore(path.join(folder.path, 'linked'));
    const { id } = await create({ store: linked });
    await verifyBackup({ store: linked, backupId: id, log: silentLog });
    const alias = '20200101T000000Z-000000';
    await symlink(path.join(real.path, id), path.join(real.path, alias));
    expect((await listBackups(linked)).map((backup) => backup.id)).toEqual([id]);
    await expect(removeBackup(linked, alias)).rejects.toMatchObject({ code: 'backup/store-failed' });
    await verifyBackup({ store: linked, backupId: id, log: silentLog });
  });
});

test('fault 12: two runs at once are two backups, each of them whole', async () => {
  const both = await Promise.all([create(), create()]);
  expect(new Set(both.map(({ id }) => id)).size).toBe(2);
  for (const { id, digest } of both) expect((await verifyBackup({ store, backupId: id, log: silentLog })).digest).toEqual(digest);
});
