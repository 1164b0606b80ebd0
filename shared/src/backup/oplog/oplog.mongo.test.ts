import { beforeEach, describe, expect, test } from '@jest/globals';
import { Long, Timestamp } from 'mongodb';
import { silentLog } from '../../log/log.ts';
import { backupScene } from '../../testing/backup-scene.ts';
import { fillEveryKind } from '../../testing/every-kind.ts';
import { disturbedStore } from '../../testing/disturbed-store.ts';
import { dropDatabases } from '../../testing/mongod.ts';
import type { CreateOptions } from '../create-options.ts';
import type { Manifest } from '../manifest.ts';
import { verifyBackup } from '../verify.ts';
import { parseClusterTime } from './replay.ts';

const scene = backupScene('replayed');

beforeEach(async () => {
  await scene.db.collection('orders').insertMany(Array.from({ length: 2_000 }, (_, n) => ({ _id: n as never, n })));
  await scene.db.collection('users').insertMany([{ name: 'a' }, { name: 'b' }]);
});

/** A backup during which `write` happens: after the oplog is watched, and when some collections are read and others are not. */
function backupWhile(write: () => Promise<unknown>, options: Partial<CreateOptions> = {}): Promise<Manifest> {
  const busy = disturbedStore(scene.store, { at: 'close', path: /(orders|users|types)\.bson/ }, write);
  return scene.create({ store: busy, consistency: 'oplog', ...options });
}

describe('writes during a backup by the oplog', () => {
  test('are all in what is restored: it is what the server held at the end', async () => {
    const manifest = await backupWhile(async () => {
      await scene.db.collection('orders').updateMany({ n: { $lt: 500 } }, { $set: { changed: true }, $inc: { n: 10_000 } });
      await scene.db.collection('orders').deleteMany({ _id: { $gte: 1_900 } as never });
      await scene.db.collection('users').insertMany([
        { name: 'c', at: new Timestamp(0n) },
        { name: 'd', big: Long.MAX_VALUE },
      ]);
      await scene.db.collection('users').updateOne({ name: 'a' }, [{ $set: { list: [1, 2, { x: 1 }] } }]);
      await scene.db.collection('users').replaceOne({ name: 'b' }, { replaced: { 10: 1, 9: 2 } });
    });
    expect(manifest.consistency).toEqual({ kind: 'oplog', clusterTime: manifest.oplog?.to });
    expect(manifest.collections.map(({ pointInTime, touched }) => [pointInTime, (touched?.documents ?? 0) > 0])).toEqual([
      [true, true],
      [true, true],
    ]);
    await verifyBackup({ store: scene.store, backupId: manifest.id, log: silentLog });
    const result = await scene.restore(manifest);
    expect(await scene.differences()).toEqual([]);
    expect(result.digest.documents).toBe(1_900 + 4);
  });

  test('of every kind of collection come back', async () => {
    await fillEveryKind(scene.db);
    const manifest = await backupWhile(async () => {
      await scene.db.collection('series').insertMany([
        { t: new Date(), m: { s: 1 }, v: 1 },
        { t: new Date(1.78e12), m: { s: 1 }, v: 2 },
      ]);
      await scene.db.collection('capped').insertMany(Array.from({ length: 20 }, (_, n) => ({ _id: (1_000 + n) as never })));
      await scene.db.collection('clustered').updateMany({}, { $set: { x: 1 } });
      await scene.db.collection('types').updateMany({}, { $set: { touched: true } });
      await scene.db.collection('indexed').deleteOne({ a: 3 });
      await scene.db.collection('indexed').updateOne({ a: 4 }, { $set: { a: 3 } });
      await scene.db.collection('validated').insertOne({ name: 'x' });
      await scene.db.collection('ids').deleteMany({});
    });
    await scene.restore(manifest);
    expect(await scene.differences()).toEqual([]);
  });

  test('of transactions are seen whole or not at all', async () => {
    await using session = scene.connection.client.startSession();
    session.startTransaction();
    await scene.db.collection('users').insertOne({ open: 'before' }, { session });
    await using never = scene.connection.client.startSession();
    never.startTransaction();
    await scene.db.collection('orders').insertOne({ open: 'never ended' }, { session: never });
    const manifest = await backupWhile(async () => {
      await scene.db.collection('orders').updateOne({ _id: 1 as never }, { $set: { open: 'before' } }, { session });
      await session.commitTransaction();
      await scene.connection.client.withSession((one) =>
        one.withTransaction(async () => {
          await scene.db.collection('orders').updateMany({ n: { $gte: 10, $lt: 20 } }, { $set: { inTransaction: true } }, { session: one });
          await scene.connection.client
            .db(`${scene.database}_other`)
            .collection('secret')
            .insertOne({ text: 'elsewhere' }, { session: one });
        }),
      );
    });
    await scene.restore(manifest);
    expect(await scene.differences()).toEqual([]);
    await dropDatabases(scene.connection.client, [`${scene.database}_other`]);
  });

  test('of other collections are not in the backup', async () => {
    const manifest = await backupWhile(
      async () => {
        await scene.db.collection('users').insertOne({ secret: 'excluded text' });
        await scene.connection.client.withSession((one) =>
          one.withTransaction(async () => {
            await scene.db.collection('orders').insertOne({ seen: 'wanted text' }, { session: one });
            await scene.db.collection('users').insertOne({ secret: 'excluded text' }, { session: one });
          }),
        );
      },
      { selection: { databases: [scene.database], exclude: ['users'] }, compression: 'none' },
    );
    const text = (await scene.store.read(`${manifest.id}/dump/oplog.bson`))?.toString('latin1') ?? '';
    expect([text.includes('wanted text'), text.includes('excluded text')]).toEqual([true, false]);
    await scene.restore(manifest);
    expect(await scene.differences()).toEqual(['users']);
  });
});

describe('a restore to a time', () => {
  test('replays what was before it', async () => {
    const manifest = await backupWhile(() => scene.db.collection('users').insertOne({ name: 'early' }));
    const last = parseClusterTime(manifest.oplog?.to ?? '');
    await scene.restore(manifest, { oplogLimit: new Timestamp({ t: last.t, i: last.i + 1 }) });
    expect(await scene.differences()).toEqual([]);
  });

  test.each([
    ['before the last document was read', new Timestamp({ t: 1, i: 1 })],
    ['after the oplog ends', new Timestamp({ t: 4_000_000_000, i: 1 })],
  ])('is refused %s', async (_what, oplogLimit) => {
    const manifest = await backupWhile(async () => undefined);
    await expect(scene.restore(manifest, { oplogLimit })).rejects.toMatchObject({ code: 'restore/time-refused' });
  });

  test('is refused when the backup has no oplog', async () => {
    const manifest = await backupWhile(async () => undefined, { consistency: 'snapshot' });
    const oplogLimit = parseClusterTime(manifest.consistency.clusterTime ?? '');
    await expect(scene.restore(manifest, { oplogLimit })).rejects.toMatchObject({ code: 'restore/time-refused' });
  });
});
