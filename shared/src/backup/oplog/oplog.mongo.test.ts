import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Long, Timestamp, type ClientSession, type Db } from 'mongodb';
import { silentLog } from '../../log/log.ts';
import type { Connection } from '../../mongo/connect.ts';
import { fillEveryKind } from '../../testing/every-kind.ts';
import { disturbedStore } from '../../testing/disturbed-store.ts';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '../../testing/mongod.ts';
import { temporaryFolder, type TemporaryFolder } from '../../testing/temporary-folder.ts';
import { differingCollections, truthOf } from '../../testing/truth.ts';
import { createBackup, type CreateOptions } from '../create.ts';
import type { Manifest } from '../manifest.ts';
import { restoreBackup, type RestoreOptions, type RestoreResult } from '../restore.ts';
import type { BackupStore } from '../store.ts';
import { directoryStore } from '../stores/directory.ts';
import { verifyBackup } from '../verify.ts';
import { parseClusterTime } from './replay.ts';

const database = uniqueDatabase('replayed');
const copy = uniqueDatabase('replayed_copy');
let connection: Connection;
let db: Db;
let folder: TemporaryFolder;
let store: BackupStore;

beforeAll(async () => {
  connection = await connectShared();
  db = connection.client.db(database);
});

beforeEach(async () => {
  folder = await temporaryFolder();
  store = directoryStore(folder.path);
  await dropDatabases(connection.client, [database, copy]);
  await db.collection('orders').insertMany(Array.from({ length: 2_000 }, (_, n) => ({ _id: n as never, n })));
  await db.collection('users').insertMany([{ name: 'a' }, { name: 'b' }]);
  return () => folder[Symbol.asyncDispose]();
});

afterAll(async () => {
  await dropDatabases(connection.client, [database, copy]);
  await connection.client.close();
});

/** A backup during which `write` happens: after the oplog is watched, and when some collections are read and others are not. */
async function backupWhile(write: () => Promise<unknown>, options: Partial<CreateOptions> = {}): Promise<Manifest> {
  const busy = disturbedStore(store, { at: 'close', path: /(orders|users|types)\.bson/ }, write);
  return createBackup({ connection, store: busy, selection: { databases: [database] }, consistency: 'oplog', log: silentLog, ...options });
}

const restore = (manifest: Manifest, options: Partial<RestoreOptions> = {}): Promise<RestoreResult> =>
  restoreBackup({
    client: connection.client,
    store,
    backupId: manifest.id,
    mapNamespace: ({ collection }) => ({ database: copy, collection }),
    drop: false,
    log: silentLog,
    ...options,
  });

const differences = async (): Promise<readonly string[]> =>
  differingCollections(await truthOf(db), await truthOf(connection.client.db(copy)));

describe('writes during a backup by the oplog', () => {
  test('are all in what is restored: it is what the server held at the end', async () => {
    const manifest = await backupWhile(async () => {
      await db.collection('orders').updateMany({ n: { $lt: 500 } }, { $set: { changed: true }, $inc: { n: 10_000 } });
      await db.collection('orders').deleteMany({ _id: { $gte: 1_900 } as never });
      await db.collection('users').insertMany([
        { name: 'c', at: new Timestamp(0n) },
        { name: 'd', big: Long.MAX_VALUE },
      ]);
      await db.collection('users').updateOne({ name: 'a' }, [{ $set: { list: [1, 2, { x: 1 }] } }]);
      await db.collection('users').replaceOne({ name: 'b' }, { replaced: { 10: 1, 9: 2 } });
    });
    expect(manifest.consistency).toEqual({ kind: 'oplog', clusterTime: manifest.oplog?.to });
    expect(manifest.collections.map(({ pointInTime, touched }) => [pointInTime, (touched?.documents ?? 0) > 0])).toEqual([
      [true, true],
      [true, true],
    ]);
    await verifyBackup({ store, backupId: manifest.id, log: silentLog });
    const result = await restore(manifest);
    expect(await differences()).toEqual([]);
    expect(result.digest.documents).toBe(1_900 + 4);
  });

  test('of every kind of collection come back', async () => {
    await fillEveryKind(db);
    const manifest = await backupWhile(async () => {
      await db.collection('series').insertMany([
        { t: new Date(), m: { s: 1 }, v: 1 },
        { t: new Date(1.78e12), m: { s: 1 }, v: 2 },
      ]);
      await db.collection('capped').insertMany(Array.from({ length: 20 }, (_, n) => ({ _id: (1_000 + n) as never })));
      await db.collection('clustered').updateMany({}, { $set: { x: 1 } });
      await db.collection('types').updateMany({}, { $set: { touched: true } });
      await db.collection('indexed').deleteOne({ a: 3 });
      await db.collection('indexed').updateOne({ a: 4 }, { $set: { a: 3 } });
      await db.collection('validated').insertOne({ name: 'x' });
      await db.collection('ids').deleteMany({});
    });
    await restore(manifest);
    expect(await differences()).toEqual([]);
  });

  test('of transactions are seen whole or not at all', async () => {
    const session = connection.client.startSession();
    session.startTransaction();
    await db.collection('users').insertOne({ open: 'before' }, { session });
    const never = connection.client.startSession();
    never.startTransaction();
    await db.collection('orders').insertOne({ open: 'never ended' }, { session: never });
    const manifest = await backupWhile(async () => {
      await db.collection('orders').updateOne({ _id: 1 as never }, { $set: { open: 'before' } }, { session });
      await session.commitTransaction();
      await connection.client.withSession((one) =>
        one.withTransaction(async () => {
          await db.collection('orders').updateMany({ n: { $gte: 10, $lt: 20 } }, { $set: { inTransaction: true } }, { session: one });
          await connection.client.db(`${database}_other`).collection('secret').insertOne({ text: 'elsewhere' }, { session: one });
        }),
      );
    });
    await restore(manifest);
    expect(await differences()).toEqual([]);
    await never.abortTransaction();
    for (const one of [session, never]) await one.endSession();
    await dropDatabases(connection.client, [`${database}_other`]);
  });

  test('of a prepared transaction count from its commit', async () => {
    const sessions = [connection.client.startSession(), connection.client.startSession()] as const;
    const admin = connection.client.db('admin');
    const prepare = async (session: ClientSession, n: number): Promise<Timestamp> => {
      session.startTransaction();
      await db.collection('orders').updateOne({ n }, { $set: { prepared: true } }, { session });
      const { prepareTimestamp } = await admin.command({ prepareTransaction: 1, writeConcern: { w: 'majority' } }, { session });
      return prepareTimestamp as Timestamp;
    };
    const [committed] = [await prepare(sessions[0], 1), await prepare(sessions[1], 2)];
    const manifest = await backupWhile(async () => {
      await admin.command({ commitTransaction: 1, commitTimestamp: committed, writeConcern: { w: 'majority' } }, { session: sessions[0] });
      await admin.command({ abortTransaction: 1, writeConcern: { w: 'majority' } }, { session: sessions[1] });
    });
    for (const session of sessions) await session.endSession();
    await restore(manifest);
    expect(await connection.client.db(copy).collection('orders').countDocuments({ prepared: true })).toBe(1);
    expect(await differences()).toEqual([]);
  });

  test('of other collections are not in the backup', async () => {
    const manifest = await backupWhile(
      async () => {
        await db.collection('users').insertOne({ secret: 'excluded text' });
        await connection.client.withSession((one) =>
          one.withTransaction(async () => {
            await db.collection('orders').insertOne({ seen: 'wanted text' }, { session: one });
            await db.collection('users').insertOne({ secret: 'excluded text' }, { session: one });
          }),
        );
      },
      { selection: { databases: [database], exclude: ['users'] }, compression: 'none' },
    );
    const text = (await store.read(`${manifest.id}/dump/oplog.bson`))?.toString('latin1') ?? '';
    expect([text.includes('wanted text'), text.includes('excluded text')]).toEqual([true, false]);
    await restore(manifest);
    expect(await differences()).toEqual(['users']);
  });
});

// No registry carries mongorestore: where it is, it must come to the same as we do.
const mongorestore = process.env['MONGORESTORE'];
for (const program of mongorestore === undefined ? [] : [mongorestore])
  test('stock mongorestore replays the oplog of a backup as well', async () => {
    await db.collection('users').createIndex({ name: 1 }, { unique: true });
    const manifest = await backupWhile(
      async () => {
        await db.collection('orders').updateMany({ n: { $lt: 500 } }, { $set: { changed: true } });
        await db.collection('made').insertOne({ a: 1 });
        await db.collection('orders').createIndex({ n: 1 });
        await connection.client.withSession((session) =>
          session.withTransaction(async () => {
            await db.collection('orders').deleteMany({ n: { $gt: 1_500 } }, { session });
            await db.collection('users').insertOne({ name: 'c' }, { session });
          }),
        );
        await db.collection('users').drop();
        await db.collection('users').insertMany([{ name: 'new' }]);
      },
      { compression: 'gzip' },
    );
    await restore(manifest);
    expect(await differences()).toEqual([]);
    const truth = await truthOf(db);
    await dropDatabases(connection.client, [database]);
    const args = ['--quiet', '--gzip', '--oplogReplay', `--uri=${sharedUri()}`, path.join(folder.path, manifest.id, 'dump')];
    await promisify(execFile)(program, args);
    expect(differingCollections(truth, await truthOf(db))).toEqual([]);
  });

describe('a restore to a time', () => {
  test('replays what was before it', async () => {
    const manifest = await backupWhile(() => db.collection('users').insertOne({ name: 'early' }));
    const last = parseClusterTime(manifest.oplog?.to ?? '');
    await restore(manifest, { oplogLimit: new Timestamp({ t: last.t, i: last.i + 1 }) });
    expect(await differences()).toEqual([]);
  });

  test.each([
    ['before the last document was read', new Timestamp({ t: 1, i: 1 })],
    ['after the oplog ends', new Timestamp({ t: 4_000_000_000, i: 1 })],
  ])('is refused %s', async (_what, oplogLimit) => {
    const manifest = await backupWhile(async () => undefined);
    await expect(restore(manifest, { oplogLimit })).rejects.toMatchObject({ code: 'restore/time-refused' });
  });

  test('is refused when the backup has no oplog', async () => {
    const manifest = await backupWhile(async () => undefined, { consistency: 'snapshot' });
    const oplogLimit = parseClusterTime(manifest.consistency.clusterTime ?? '');
    await expect(restore(manifest, { oplogLimit })).rejects.toMatchObject({ code: 'restore/time-refused' });
  });
});
