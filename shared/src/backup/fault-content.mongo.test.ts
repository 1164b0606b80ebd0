import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { GridFSBucket, type Db, type Document } from 'mongodb';
import { silentLog, type Log } from '../log/log.ts';
import type { Connection } from '../mongo/connect.ts';
import { disturbedStore } from '../testing/disturbed-store.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import { temporaryFolder, type TemporaryFolder } from '../testing/temporary-folder.ts';
import { differingCollections, truthOf } from '../testing/truth.ts';
import { createBackup, type CreateOptions } from './create.ts';
import { resolveBackupId } from './list.ts';
import { isPartial, type Manifest } from './manifest.ts';
import { parseRenames } from './namespaces.ts';
import { recordProof } from './proof.ts';
import { parseQueries } from './query.ts';
import { backupSource } from './restore-source.ts';
import { restoreBackup, restoreFrom, type RestoreOptions, type RestoreResult } from './restore.ts';
import type { BackupStore } from './store.ts';
import { directoryStore } from './stores/directory.ts';

const database = uniqueDatabase('content');
const copy = uniqueDatabase('content_copy');
let connection: Connection;
let db: Db;
let copied: Db;
let folder: TemporaryFolder;
let store: BackupStore;

beforeAll(async () => {
  connection = await connectShared();
  db = connection.client.db(database);
  copied = connection.client.db(copy);
});

beforeEach(async () => {
  folder = await temporaryFolder();
  store = directoryStore(folder.path);
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
  await dropDatabases(connection.client, [database, copy]);
});

afterAll(() => connection.client.close());

const create = (options: Partial<CreateOptions> = {}): Promise<Manifest> =>
  createBackup({ connection, store, selection: { databases: [database] }, log: silentLog, ...options });

const restore = ({ id }: Manifest, options: Partial<RestoreOptions> = {}): Promise<RestoreResult> =>
  restoreBackup({
    client: connection.client,
    store,
    backupId: id,
    renames: parseRenames([`${database}.*`], [`${copy}.*`]),
    drop: false,
    log: silentLog,
    ...options,
  });

async function expectExact(manifest: Manifest): Promise<void> {
  await restore(manifest);
  expect(differingCollections(await truthOf(db), await truthOf(copied))).toEqual([]);
}

test('fault 33: a database of empty collections comes back, and one of nothing is no backup', async () => {
  await expect(create()).rejects.toMatchObject({ code: 'backup/nothing-selected' });
  await db.createCollection('empty');
  await db.createCollection('indexed');
  await db.collection('indexed').createIndex({ a: 1 }, { unique: true });
  await expectExact(await create());
});

test('fault 38: a time series with buckets of mixed types, an index and an expiry', async () => {
  await db.createCollection('series', { timeseries: { timeField: 't', metaField: 'm' }, expireAfterSeconds: 1e9 });
  const series = db.collection('series');
  await series.insertMany(
    Array.from({ length: 300 }, (_, n): Document => ({ t: new Date(1.78e12 + n * 1_000), m: n % 3, v: n % 2 === 0 ? n : `text ${n}` })),
  );
  await series.insertMany([
    { t: new Date(1.78e12), m: { a: 1 }, v: [1, 'x', { y: null }] },
    { t: new Date(1.78e12), v: new Date(0) },
  ]);
  await series.createIndex({ m: 1, t: -1 });
  await expectExact(await create());
  expect(await copied.collection('series').countDocuments()).toBe(302);
});

describe('fault 39: a capped collection', () => {
  test.each(['snapshot', 'oplog'] as const)(
    'that is full and written during a backup can be restored, in its order (%s)',
    async (consistency) => {
      await db.createCollection('capped', { capped: true, size: 1_000_000, max: 500 });
      const more = (from: number, count: number): Promise<unknown> =>
        db
          .collection('capped')
          .insertMany(Array.from({ length: count }, (_, n): Document => ({ _id: (from + n) as never, text: 'x'.repeat(50) })));
      await more(0, 700);
      const busy = disturbedStore(store, { at: 'open', path: /capped\.bson/ }, () => more(700, 50));
      const manifest = await create({ consistency, store: busy });
      await restore(manifest);
      const ids = (
        await copied
          .collection('capped')
          .find({}, { hint: { $natural: 1 } })
          .toArray()
      ).map(({ _id }) => Number(_id));
      expect(ids).toEqual(Array.from({ length: ids.length }, (_, n) => Number(ids[0]) + n));
      if (consistency === 'oplog') expect(differingCollections(await truthOf(db), await truthOf(copied))).toEqual([]);
    },
  );
});

test('fault 45: files of GridFS have the same MD5 after a restore', async () => {
  const bytes = randomBytes(3_000_000);
  const upload = new GridFSBucket(db).openUploadStream('report.pdf');
  await pipeline([bytes], upload);
  await restore(await create());
  const hash = createHash('md5');
  for await (const chunk of new GridFSBucket(copied).openDownloadStream(upload.id)) hash.update(chunk as Buffer);
  expect(hash.digest('hex')).toBe(createHash('md5').update(bytes).digest('hex'));
});

test('fault 48: a sharded cluster is refused before anything is written', async () => {
  await db.collection('a').insertOne({});
  await expect(create({ connection: { ...connection, topology: 'sharded' } })).rejects.toMatchObject({ code: 'engine/needed' });
  expect(await readdir(folder.path)).toEqual([]);
});

test('fault 49: views keep their source under other names of the database', async () => {
  await db.collection('orders').insertMany([{ n: 1 }, { n: 2 }]);
  await db.createCollection('view', { viewOn: 'orders', pipeline: [{ $match: { n: 2 } }], collation: { locale: 'en' } });
  await db.createCollection('view of view', { viewOn: 'view', pipeline: [], collation: { locale: 'en' } });
  await expectExact(await create());
  expect(await copied.collection('view of view').countDocuments()).toBe(1);
});

test('fault 52: an unpacked file holds the documents byte by byte in the order of the server', async () => {
  await db.collection('orders').insertMany(Array.from({ length: 2_000 }, (_, n): Document => ({ n, z: 1, a: { 10: 1, 9: 2 } })));
  const { id } = await create({ compression: 'none' });
  const server: Buffer[] = [];
  for await (const raw of db.collection('orders').find({}, { raw: true, hint: { $natural: 1 } }))
    server.push(Buffer.from(raw as unknown as Buffer));
  expect((await readFile(path.join(folder.path, id, 'dump', database, 'orders.bson'))).equals(Buffer.concat(server))).toBe(true);
});

test('fault 53: a target that is older than the source is said before the restore', async () => {
  await db.collection('a').insertOne({});
  const manifest = await create({ connection: { ...connection, serverVersion: '99.0.0' } });
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warning: (line) => warnings.push(line) };
  await restore(manifest, { log });
  expect(warnings).toEqual([expect.stringMatching(/^The target is MongoDB 6\.\d+\.\d+, the backup was taken from 99\.0\.0\./)]);
});

describe('a backup by a query', () => {
  const queries = parseQueries([`${database}.orders: {"n": {"$lt": 10}}`]);

  beforeEach(async () => {
    await db.collection('orders').insertMany(Array.from({ length: 100 }, (_, n): Document => ({ n })));
    await db.collection('users').insertOne({ a: 1 });
  });

  test('holds only the documents that fit it, and is named so', async () => {
    const manifest = await create({ selection: { databases: [database], queries } });
    expect(manifest.collections.map(({ name, query, digest }) => [name, query, digest.documents])).toEqual([
      ['orders', queries[0]?.filter, 10],
      ['users', undefined, 1],
    ]);
    expect(isPartial(manifest)).toBe(true);
    await restore(manifest);
    expect(await copied.collection('orders').countDocuments()).toBe(10);
  });

  test('is the latest of nothing, and replaces nothing', async () => {
    const manifest = await create({ selection: { databases: [database], queries } });
    await recordProof(store, manifest.id, { kind: 'read', at: new Date(), digest: manifest.digest });
    await expect(resolveBackupId(store, 'latest')).rejects.toMatchObject({ code: 'backup/not-found' });
    await expect(restore(manifest, { renames: [], drop: true })).rejects.toMatchObject({ code: 'restore/target-exists' });
    expect(await db.collection('orders').countDocuments()).toBe(100);
  });

  test.each([
    ['missing: {"a": 1}', 'is not among the collections'],
    ['view: {"a": 1}', 'is a view'],
  ])('%s is refused', async (line, message) => {
    await db.createCollection('view', { viewOn: 'users', pipeline: [] });
    const attempt = create({ selection: { databases: [database], queries: parseQueries([`${database}.${line}`]) } });
    await expect(attempt).rejects.toMatchObject({ code: 'input/invalid', message: expect.stringContaining(message) });
  });

  test('does not go with the oplog', async () => {
    const attempt = create({ selection: { databases: [database], queries }, consistency: 'oplog' });
    await expect(attempt).rejects.toMatchObject({ code: 'backup/consistency-refused' });
  });
});

test('a target without room is not touched', async () => {
  await db.collection('a').insertOne({ text: 'x' });
  const manifest = await create({ compression: 'none' });
  const huge = { documents: 1, bytes: 1e18, sum: '0'.repeat(32) };
  const source = backupSource(store, { ...manifest, collections: manifest.collections.map((one) => ({ ...one, digest: huge })) });
  const attempt = restoreFrom(source, {
    client: connection.client,
    renames: parseRenames([`${database}.*`], [`${copy}.*`]),
    drop: false,
    log: silentLog,
  });
  await expect(attempt).rejects.toMatchObject({ code: 'restore/no-space' });
  expect(await copied.collections()).toEqual([]);
});
