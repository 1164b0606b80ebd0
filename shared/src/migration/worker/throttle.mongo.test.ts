import { setTimeout as sleep } from 'node:timers/promises';
import { expect, jest, test } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { applyMigrations } from '../../testing/apply-migrations.ts';
import { makeCheckout } from '../../testing/checkout.ts';
import { fillThings, raiseThings } from '../../testing/migration-scene.ts';
import { startMongod } from '../../testing/mongod.ts';
import { lockCollection } from '../lock.ts';

// Three members that elect, stop and catch up, on a disk that others use too.
jest.setTimeout(180_000);

test('writes stop while a secondary is far behind, and start again', async () => {
  await using server = await startMongod({ kind: 'replica-set', members: 3 });
  await using client = new MongoClient(server.uri);
  interface Member {
    readonly stateStr: string;
    readonly name: string;
    readonly optimeDate: Date;
    readonly syncSourceHost: string;
  }
  /** The primary first. */
  const members = async (): Promise<readonly Member[]> => {
    const status = await client.db('admin').command({ replSetGetStatus: 1 });
    return (status['members'] as Member[]).toSorted((a, b) => a.stateStr.localeCompare(b.stateStr));
  };
  const until = async (isSo: (all: readonly Member[]) => boolean): Promise<readonly Member[]> => {
    for (;;) {
      const all = await members();
      if (isSo(all)) return all;
      await sleep(50);
    }
  };
  const [primary, secondary, other] = await until((all) => all.slice(1).every(({ syncSourceHost }) => syncSourceHost !== ''));
  await using behind = new MongoClient(`mongodb://${secondary?.name}/?directConnection=true`);
  // The other one must not read from the one that stops, or no write would have a majority.
  await using upToDate = new MongoClient(`mongodb://${other?.name}/?directConnection=true`);
  await upToDate.db('admin').command({ replSetSyncFrom: primary?.name });
  await until((all) => all.find(({ name }) => name === other?.name)?.syncSourceHost === primary?.name);
  const replication = (mode: 'alwaysOn' | 'off'): Promise<unknown> =>
    behind.db('admin').command({ configureFailPoint: 'rsSyncApplyStop', mode });
  await using checkout = await makeCheckout({ 'migrations/1.js': `exports.up = async (db, client, { batch }) => { ${raiseThings} };` });
  const db = client.db('shop');
  await fillThings(db, 50);
  await replication('alwaysOn');
  // Writes that the secondary does not get, until it is behind by three seconds.
  const lag = async (): Promise<number> => {
    const times = (await members()).map(({ optimeDate }) => optimeDate.getTime());
    return Math.max(...times) - Math.min(...times);
  };
  while ((await lag()) < 3_000) await db.collection('others').insertOne({});
  const waiting = Promise.withResolvers<string>();
  const running = applyMigrations(db, checkout.folder, {
    uri: server.uri,
    throttle: { maxLagMilliseconds: 1_000, minOplogWindowMilliseconds: 0 },
    onBatch: ({ waiting: why }) => why !== undefined && waiting.resolve(why),
  });
  expect(await waiting.promise).toMatch(/a secondary is \d+ s behind/);
  expect(await db.collection('things').countDocuments({ n: 1 })).toBe(0);
  await replication('off');
  expect((await running).failure).toBeUndefined();
  expect(await db.collection('things').distinct('n')).toEqual([1]);
});

test('writes stop while flow control slows the server down', async () => {
  await using server = await startMongod({ kind: 'replica-set', members: 3 }, { parameters: { flowControlTargetLagSeconds: 1 } });
  await using client = new MongoClient(server.uri);
  const admin = client.db('admin');
  const hosts = (await admin.command({ hello: 1 }))['hosts'] as string[];
  await using clients = new AsyncDisposableStack();
  const nodes = hosts.map((host) => clients.use(new MongoClient(`mongodb://${host}/?directConnection=true`)));
  const replication = async (mode: 'alwaysOn' | 'off'): Promise<void> => {
    for (const node of nodes) await node.db('admin').command({ configureFailPoint: 'rsSyncApplyStop', mode });
  };
  await using checkout = await makeCheckout({ 'migrations/1.js': `exports.up = async (db, client, { batch }) => { ${raiseThings} };` });
  const db = client.db('shop');
  await fillThings(db, 50);
  const flag = db.collection(lockCollection, { writeConcern: { w: 1 } });
  await flag.insertOne({ _id: 'pause' as never });
  const paused = Promise.withResolvers<void>();
  const slowed = Promise.withResolvers<void>();
  const running = applyMigrations(db, checkout.folder, {
    uri: server.uri,
    throttle: { maxLagMilliseconds: 3_600_000, minOplogWindowMilliseconds: 0 },
    onBatch: ({ waiting = '' }) => {
      if (waiting.includes('paused')) paused.resolve();
      if (waiting === 'flow control of the server slows writes down') slowed.resolve();
    },
  });
  await paused.promise;
  await replication('alwaysOn');
  const isLagged = async (): Promise<boolean> => (await admin.command({ serverStatus: 1 }))['flowControl'].isLagged as boolean;
  while (!(await isLagged())) await db.collection('others').insertOne({}, { writeConcern: { w: 1 } });
  await flag.deleteOne({ _id: 'pause' as never });
  await slowed.promise;
  await replication('off');
  expect((await running).failure).toBeUndefined();
  expect(await db.collection('things').distinct('n')).toEqual([1]);
});

test('writes stop while a full oplog reaches back too little', async () => {
  await using server = await startMongod({ kind: 'replica-set', members: 1 }, { args: ['--oplogSize', '5'] });
  await using client = new MongoClient(server.uri);
  await using checkout = await makeCheckout({ 'migrations/1.js': `exports.up = async (db, client, { batch }) => { ${raiseThings} };` });
  const db = client.db('shop');
  await fillThings(db, 50);
  const oplog = client.db('local');
  const share = async (): Promise<number> => {
    const { size, maxSize } = await oplog.command({ collStats: 'oplog.rs' });
    return Number(size) / Number(maxSize);
  };
  while ((await share()) < 1) await db.collection('others').insertOne({ text: 'x'.repeat(1_000_000) });
  const waiting = Promise.withResolvers<string>();
  const controller = new AbortController();
  const running = applyMigrations(db, checkout.folder, {
    uri: server.uri,
    signal: controller.signal,
    throttle: { maxLagMilliseconds: 10_000, minOplogWindowMilliseconds: 3_600_000 },
    onBatch: ({ waiting: why }) => why !== undefined && waiting.resolve(why),
  });
  expect(await waiting.promise).toMatch(/^the oplog reaches back only \d+ minutes$/);
  controller.abort(new Error('cancelled'));
  expect((await running).failure?.error.message).toBe('cancelled');
  expect(await db.collection('things').countDocuments({ n: 1 })).toBe(0);
});
