import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { GridFSBucket, type Document } from 'mongodb';
import { silentLog, type Log } from '../log/log.ts';
import { backupScene } from '../testing/backup-scene.ts';
import { disturbedStore } from '../testing/disturbed-store.ts';
import { resolveBackupId } from './list.ts';
import { isPartial, type Manifest } from './manifest.ts';
import { parseRenames } from './namespaces.ts';
import { recordProof } from './proof.ts';
import { parseQueries } from './query.ts';
import { backupSource } from './restore-source.ts';
import { restoreFrom } from './restore.ts';

const scene = backupScene('content');

async function expectExact(manifest: Manifest): Promise<void> {
  await scene.restore(manifest);
  expect(await scene.differences()).toEqual([]);
}

test('fault 33: a database of empty collections comes back, and one of nothing is no backup', async () => {
  await expect(scene.create()).rejects.toMatchObject({ code: 'backup/nothing-selected' });
  await scene.db.createCollection('empty');
  await scene.db.createCollection('indexed');
  await scene.db.collection('indexed').createIndex({ a: 1 }, { unique: true });
  await expectExact(await scene.create());
});

test('fault 38: a time series with buckets of mixed types, an index and an expiry', async () => {
  await scene.db.createCollection('series', { timeseries: { timeField: 't', metaField: 'm' }, expireAfterSeconds: 1e9 });
  const series = scene.db.collection('series');
  await series.insertMany(
    Array.from({ length: 300 }, (_, n): Document => ({ t: new Date(1.78e12 + n * 1_000), m: n % 3, v: n % 2 === 0 ? n : `text ${n}` })),
  );
  await series.insertMany([
    { t: new Date(1.78e12), m: { a: 1 }, v: [1, 'x', { y: null }] },
    { t: new Date(1.78e12), v: new Date(0) },
  ]);
  await series.createIndex({ m: 1, t: -1 });
  await expectExact(await scene.create());
  expect(await scene.copied.collection('series').countDocuments()).toBe(302);
});

describe('fault 39: a capped collection', () => {
  test.each(['snapshot', 'oplog'] as const)(
    'that is full and written during a backup can be restored, in its order (%s)',
    async (consistency) => {
      await scene.db.createCollection('capped', { capped: true, size: 1_000_000, max: 500 });
      const more = (from: number, count: number): Promise<unknown> =>
        scene.db
          .collection('capped')
          .insertMany(Array.from({ length: count }, (_, n): Document => ({ _id: (from + n) as never, text: 'x'.repeat(50) })));
      await more(0, 700);
      const busy = disturbedStore(scene.store, { at: 'open', path: /capped\.bson/ }, () => more(700, 50));
      const manifest = await scene.create({ consistency, store: busy });
      await scene.restore(manifest);
      const ids = (
        await scene.copied
          .collection('capped')
          .find({}, { hint: { $natural: 1 } })
          .toArray()
      ).map(({ _id }) => Number(_id));
      expect(ids).toEqual(Array.from({ length: ids.length }, (_, n) => Number(ids[0]) + n));
      if (consistency === 'oplog') expect(await scene.differences()).toEqual([]);
    },
  );
});

test('fault 45: files of GridFS have the same MD5 after a restore', async () => {
  const bytes = randomBytes(3_000_000);
  const upload = new GridFSBucket(scene.db).openUploadStream('report.pdf');
  await pipeline([bytes], upload);
  await scene.restore(await scene.create());
  const hash = createHash('md5');
  for await (const chunk of new GridFSBucket(scene.copied).openDownloadStream(upload.id)) hash.update(chunk as Buffer);
  expect(hash.digest('hex')).toBe(createHash('md5').update(bytes).digest('hex'));
});

test('fault 48: a sharded cluster is refused before anything is written', async () => {
  await scene.db.collection('a').insertOne({});
  await expect(scene.create({ connection: { ...scene.connection, topology: 'sharded' } })).rejects.toMatchObject({ code: 'engine/needed' });
  expect(await readdir(scene.folder)).toEqual([]);
});

test('fault 49: views keep their source under other names of the database', async () => {
  await scene.db.collection('orders').insertMany([{ n: 1 }, { n: 2 }]);
  await scene.db.createCollection('view', { viewOn: 'orders', pipeline: [{ $match: { n: 2 } }], collation: { locale: 'en' } });
  await scene.db.createCollection('view of view', { viewOn: 'view', pipeline: [], collation: { locale: 'en' } });
  await expectExact(await scene.create());
  expect(await scene.copied.collection('view of view').countDocuments()).toBe(1);
});

test('fault 52: an unpacked file holds the documents byte by byte in the order of the server', async () => {
  await scene.db.collection('orders').insertMany(Array.from({ length: 2_000 }, (_, n): Document => ({ n, z: 1, a: { 10: 1, 9: 2 } })));
  const { id } = await scene.create({ compression: 'none' });
  const server: Buffer[] = [];
  for await (const raw of scene.db.collection('orders').find({}, { raw: true, hint: { $natural: 1 } }))
    server.push(Buffer.from(raw as unknown as Buffer));
  expect((await readFile(path.join(scene.folder, id, 'dump', scene.database, 'orders.bson'))).equals(Buffer.concat(server))).toBe(true);
});

test('fault 53: a target that is older than the source is said before the restore', async () => {
  await scene.db.collection('a').insertOne({});
  const manifest = await scene.create({ connection: { ...scene.connection, serverVersion: '99.0.0' } });
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warning: (line) => warnings.push(line) };
  await scene.restore(manifest, { log });
  expect(warnings).toEqual([expect.stringMatching(/^The target is MongoDB 6\.\d+\.\d+, the backup was taken from 99\.0\.0\./)]);
});

describe('a backup by a query', () => {
  const queries = parseQueries([`${scene.database}.orders: {"n": {"$lt": 10}}`]);

  beforeEach(async () => {
    await scene.db.collection('orders').insertMany(Array.from({ length: 100 }, (_, n): Document => ({ n })));
    await scene.db.collection('users').insertOne({ a: 1 });
  });

  test('holds only the documents that fit it, and is named so', async () => {
    const manifest = await scene.create({ selection: { databases: [scene.database], queries } });
    expect(manifest.collections.map(({ name, query, digest }) => [name, query, digest.documents])).toEqual([
      ['orders', queries[0]?.filter, 10],
      ['users', undefined, 1],
    ]);
    expect(isPartial(manifest)).toBe(true);
    await scene.restore(manifest);
    expect(await scene.copied.collection('orders').countDocuments()).toBe(10);
  });

  test('is the latest of nothing, and replaces nothing', async () => {
    const manifest = await scene.create({ selection: { databases: [scene.database], queries } });
    await recordProof(scene.store, manifest.id, { kind: 'read', at: new Date(), digest: manifest.digest });
    await expect(resolveBackupId(scene.store, 'latest')).rejects.toMatchObject({ code: 'backup/not-found' });
    await expect(scene.restore(manifest, { renames: [], drop: true })).rejects.toMatchObject({ code: 'restore/target-exists' });
    expect(await scene.db.collection('orders').countDocuments()).toBe(100);
  });

  test.each([
    ['missing: {"a": 1}', 'is not among the collections'],
    ['view: {"a": 1}', 'is a view'],
  ])('%s is refused', async (line, message) => {
    await scene.db.createCollection('view', { viewOn: 'users', pipeline: [] });
    const attempt = scene.create({ selection: { databases: [scene.database], queries: parseQueries([`${scene.database}.${line}`]) } });
    await expect(attempt).rejects.toMatchObject({ code: 'input/invalid', message: expect.stringContaining(message) });
  });

  test('does not go with the oplog', async () => {
    const attempt = scene.create({ selection: { databases: [scene.database], queries }, consistency: 'oplog' });
    await expect(attempt).rejects.toMatchObject({ code: 'backup/consistency-refused' });
  });
});

test('a target without room is not touched', async () => {
  await scene.db.collection('a').insertOne({ text: 'x' });
  const manifest = await scene.create({ compression: 'none' });
  const huge = { documents: 1, bytes: 1e18, sum: '0'.repeat(32) };
  const source = backupSource(scene.store, { ...manifest, collections: manifest.collections.map((one) => ({ ...one, digest: huge })) });
  const attempt = restoreFrom(source, {
    client: scene.connection.client,
    renames: parseRenames([`${scene.database}.*`], [`${scene.copy}.*`]),
    drop: false,
    log: silentLog,
  });
  await expect(attempt).rejects.toMatchObject({ code: 'restore/no-space' });
  expect(await scene.copied.collections()).toEqual([]);
});
