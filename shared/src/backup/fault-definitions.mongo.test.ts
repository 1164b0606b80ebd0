import { readdir } from 'node:fs/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Document } from 'mongodb';
import { backupScene } from '../testing/backup-scene.ts';
import { disturbedStore } from '../testing/disturbed-store.ts';
import { differingCollections, truthOf, type Truth } from '../testing/truth.ts';
import type { CreateOptions } from './create-options.ts';
import type { Manifest } from './manifest.ts';

const scene = backupScene('definitions');

beforeEach(async () => {
  await scene.db.collection('orders').insertMany(Array.from({ length: 1_000 }, (_, n): Document => ({ n })));
  await scene.db.collection('users').insertMany([{ name: 'a' }, { name: 'b' }]);
  await scene.db.collection('empty').insertOne({ _id: 'x' as never });
});

/** A backup in which something happens before the first collection is read, or when it was read. */
function backupWhile(at: 'open' | 'close', change: () => Promise<unknown>, options: Partial<CreateOptions> = {}): Promise<Manifest> {
  return scene.create({ store: disturbedStore(scene.store, { at, path: /\.bson/, times: 1 }, change), ...options });
}

async function restoredTruth(manifest: Manifest): Promise<Truth> {
  await scene.restore(manifest);
  return truthOf(scene.copied);
}

const changes: readonly (readonly [string, () => Promise<unknown>])[] = [
  ['createIndex', () => scene.db.collection('users').createIndex({ name: 1 })],
  ['collMod', () => scene.db.command({ collMod: 'users', validator: { name: { $exists: true } } })],
  ['create', () => scene.db.collection('made').insertMany([{ a: 1 }, { a: 2 }])],
  ['drop', () => scene.db.collection('users').drop()],
  [
    'drop and create',
    async () => {
      await scene.db.collection('users').drop();
      await scene.db.collection('users').insertOne({ name: 'new' });
    },
  ],
  ['rename', () => scene.db.collection('users').rename('people')],
  [
    '$out',
    () =>
      scene.db
        .collection('orders')
        .aggregate([{ $limit: 3 }, { $out: 'users' }])
        .toArray(),
  ],
  ['a view', () => scene.db.createCollection('view', { viewOn: 'users', pipeline: [] })],
];
const moments = ['open', 'close'] as const;

describe.each(changes)('fault 23: %s during a backup', (_name, change) => {
  test.each(moments)('with a snapshot shows the definitions of one time (%s)', async (at) => {
    const before = await truthOf(scene.db);
    const manifest = await backupWhile(at, change, { consistency: 'snapshot' });
    const restored = await restoredTruth(manifest);
    // The snapshot is of before or of after the change, never of both.
    const [old, now] = [differingCollections(before, restored), differingCollections(await truthOf(scene.db), restored)];
    expect([old.length === 0, now.length === 0]).toContain(true);
  });

  test.each(moments)('with the oplog shows what is there at its end (%s)', async (at) => {
    const manifest = await backupWhile(at, change, { consistency: 'oplog' });
    expect(manifest.consistency.kind).toBe('oplog');
    expect(differingCollections(await truthOf(scene.db), await restoredTruth(manifest))).toEqual([]);
  });

  test('without a point in time only what changed is read again', async () => {
    const manifest = await backupWhile('close', change, { consistency: 'none' });
    expect(differingCollections(await truthOf(scene.db), await restoredTruth(manifest))).toEqual([]);
  });
});

test.each(['snapshot', 'oplog', 'none'] as const)(
  'fault 23: collections that are replaced again and again are a clear failure (%s)',
  async (consistency) => {
    const replace = async (): Promise<void> => {
      await scene.db.collection('orders').rename('other');
      await scene.db.collection('other').rename('users', { dropTarget: true });
      await scene.db.collection('orders').insertMany([{ n: 1 }]);
    };
    const busy = disturbedStore(scene.store, { at: 'open', path: /orders\.bson/, times: 100 }, replace);
    const attempt = scene.create({ store: busy, consistency });
    await expect(attempt).rejects.toMatchObject({ code: 'backup/schema-changed' });
    expect(await readdir(scene.folder)).toEqual([]);
  },
);

test('fault 30: a target that is not empty is not touched', async () => {
  const manifest = await backupWhile('open', async () => undefined);
  await scene.db.collection('users').insertOne({ name: 'later' });
  const before = await truthOf(scene.db);
  const attempt = scene.restore(manifest, { renames: [] });
  await expect(attempt).rejects.toMatchObject({ code: 'restore/target-exists' });
  expect(differingCollections(before, await truthOf(scene.db))).toEqual([]);
});
