import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { open, readdir, stat, truncate } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { compareCensus } from '../checks/compare-census.ts';
import { silentLog } from '../log/log.ts';
import { takeCensus } from '../mongo/census.ts';
import type { Connection } from '../mongo/connect.ts';
import { fillEveryKind } from '../testing/every-kind.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import { startS3Server, type S3Server } from '../testing/s3-server.ts';
import type { CreateOptions } from './create-options.ts';
import { createBackup } from './create.ts';
import { listBackups, newestBackupId } from './list.ts';
import { recordProof } from './proof.ts';
import { restoreBackup } from './restore.ts';
import { leaveLocked, parseKeep, planPrune, removeBackup } from './retention.ts';
import type { BackupStore } from './store.ts';
import { s3Client } from './stores/s3-client.ts';
import { verifyBackup } from './verify.ts';

const database = uniqueDatabase('s3');
const large = uniqueDatabase('s3_large');
const copy = uniqueDatabase('s3_copy');
const log = silentLog;
let connection: Connection;
let server: S3Server;

beforeAll(async () => {
  connection = await connectShared();
  server = await startS3Server();
  await server.makeBucket('backups');
  const client = s3Client({ settings: {}, env: server.env, idToken: () => Promise.reject(new Error('no token')) });
  await client.send(new CreateBucketCommand({ Bucket: 'locked', ObjectLockEnabledForBucket: true }));
  await fillEveryKind(connection.client.db(database));
  // 40 MB that do not shrink, nor by looking back: several parts.
  const noise = (n: number): object => ({ n, bytes: randomBytes(65_536) });
  for (let batch = 0; batch < 8; batch++)
    await connection.client
      .db(large)
      .collection('big')
      .insertMany(Array.from({ length: 80 }, (_, n) => noise(80 * batch + n)));
});

afterAll(async () => {
  await dropDatabases(connection.client, [database, large, copy]);
  await connection.client.close();
  await server[Symbol.asyncDispose]();
});

const create = (store: BackupStore, options: Partial<CreateOptions> = {}): ReturnType<typeof createBackup> =>
  createBackup({ connection, store, selection: { databases: [database] }, log, ...options });

test.each(['zstd', 'gzip', 'none'] as const)('every kind of collection comes back exactly from a bucket, with %s', async (compression) => {
  const store = server.store(`s3://backups/exact-${compression}`);
  const { id, digest } = await create(store, { compression });
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
  expect(await listBackups(store)).toMatchObject([{ id, status: 'committed' }]);
  expect(await newestBackupId(store, 'latest')).toBe(id);
});

test('a collection of many parts is sent while it is read, and comes back', async () => {
  const store = server.store('s3://backups/large');
  const manifest = await create(store, { selection: { databases: [large] } });
  expect(manifest.collections[0]?.data?.bytes).toBeGreaterThan(40_000_000);
  await verifyBackup({ store, backupId: manifest.id, log });
});

describe('what is no backup', () => {
  test('fault 10: a folder without a manifest, or with half of one, is told and never used', async () => {
    const store = server.store('s3://backups/planted');
    const { id } = await create(store);
    await store.put('20990101T000000Z-000000/dump/shop/orders.bson.zst', '');
    await store.put('20990102T000000Z-000000/manifest.json', '{"version":1,');
    await store.put('elsewhere/manifest.json', '{}');
    expect(await listBackups(store)).toMatchObject([
      { id, status: 'committed' },
      { id: '20990101T000000Z-000000', status: 'unfinished' },
      { id: '20990102T000000Z-000000', status: 'damaged' },
    ]);
    expect(await newestBackupId(store, 'latest')).toBe(id);
    await expect(verifyBackup({ store, backupId: '20990101T000000Z-000000', log })).rejects.toMatchObject({ code: 'backup/incomplete' });
  });

  test('fault 14: an object that became shorter is found', async () => {
    const store = server.store('s3://backups/short');
    const { id } = await create(store);
    const file = path.join(server.folder, 'backups', 'short', id, 'dump', database, 'types.bson.zst');
    await truncate(file, (await stat(file)).size - 1);
    await expect(verifyBackup({ store, backupId: id, log })).rejects.toMatchObject({ code: 'backup/incomplete' });
  });

  test('fault 13: an object of the right length with one other bit is found', async () => {
    const store = server.store('s3://backups/flipped');
    const { id } = await create(store);
    await using file = await open(path.join(server.folder, 'backups', 'flipped', id, 'dump', database, 'types.bson.zst'), 'r+');
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, 40);
    await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, 40);
    await expect(verifyBackup({ store, backupId: id, log })).rejects.toMatchObject({ code: 'backup/checksum-mismatch' });
  });
});

test('fault 1: a server that is killed in the middle leaves no backup, and the next run clears its parts away', async () => {
  const store = server.store('s3://backups/killed');
  const uploads = path.join(server.folder, 'backups', '.sgwtmp', 'multipart');
  const running = create(store, { selection: { databases: [large] }, compression: 'none' });
  const ended = running.then(
    () => undefined,
    (error: unknown) => error,
  );
  // Folders of the object and of the upload, and in it a part.
  const hasPart = async (): Promise<boolean> =>
    (await readdir(uploads, { recursive: true }).catch(() => [])).some((file) => file.split(path.sep).length === 3);
  while (!(await hasPart())) await new Promise(setImmediate);
  await server.kill();
  const failure = await ended;
  await server.start();
  expect(failure).toMatchObject({ code: 'store/unreachable' });
  expect((await listBackups(store)).filter(({ status }) => status === 'committed')).toEqual([]);
  const lines: string[] = [];
  const tomorrow = (): Date => new Date(Date.now() + 2 * 86_400_000);
  await create(store, { now: tomorrow, log: { ...log, info: (line) => lines.push(line) } });
  expect(lines).toContainEqual(expect.stringMatching(/^Removed \d+ uploads that killed runs left/));
  expect(await store.removeStranded(new Date(Date.now() + 86_400_000))).toBe(0);
});

test('a cancelled backup leaves neither objects nor parts', async () => {
  const controller = new AbortController();
  const store = server.store('s3://backups/cancelled', {}, { signal: controller.signal });
  const reason = new Error('cancelled');
  const openWriter: BackupStore['openWriter'] = async (file, bytes) => {
    const writer = await store.openWriter(file, bytes);
    let written = 0;
    const write = async (piece: Buffer): Promise<void> => {
      written += piece.length;
      if (written > 20_000_000) controller.abort(reason);
      return writer.write(piece);
    };
    return { ...writer, write };
  };
  const cancelled = create({ ...store, openWriter }, { selection: { databases: [large] }, signal: controller.signal });
  await expect(cancelled).rejects.toBe(reason);
  expect(await store.folders()).toEqual([]);
  expect(await store.removeStranded(new Date(Date.now() + 86_400_000))).toBe(0);
});

describe('prune in a bucket', () => {
  test('faults 9, 11: keeps the newest, the newest proven one, and what is locked', async () => {
    const days = (n: number) => () => new Date(Date.now() - n * 86_400_000);
    const store = server.store('s3://locked/pruned');
    const keeping = server.store('s3://locked/pruned', { objectLock: { mode: 'governance', milliseconds: 3_600_000 } });
    const small = { selection: { databases: [database], include: ['types'] } };
    const old = await create(store, { ...small, now: days(40) });
    const locked = await create(keeping, { ...small, now: days(30) });
    const proven = await create(store, { ...small, now: days(20) });
    await recordProof(store, proven.id, { kind: 'read', at: new Date(), digest: proven.digest });
    const newest = await create(store, { ...small, now: days(10) });
    const plan = await leaveLocked(store, planPrune(await listBackups(store), parseKeep(['last: 1']), new Date()));
    expect(plan.remove.map(({ id }) => id)).toEqual([old.id]);
    expect(plan.locked.map(({ backup }) => backup.id)).toEqual([locked.id]);
    expect(plan.keep.map(({ id }) => id)).toEqual([locked.id, proven.id, newest.id]);
    for (const { id } of plan.remove) await removeBackup(store, id);
    expect(await store.files(old.id)).toEqual([]);
    expect((await listBackups(store)).filter(({ status }) => status === 'committed')).toHaveLength(3);
  });
});
