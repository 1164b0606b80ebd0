import { expect, jest, test } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { applyMigrations } from '../../testing/apply-migrations.ts';
import { makeCheckout } from '../../testing/checkout.ts';
import { fillThings, raiseThings } from '../../testing/migration-scene.ts';
import { holdBack, startMongod, startSteadyReplicaSet } from '../../testing/mongod.ts';
import { lockCollection } from '../lock.ts';
import type { RunResult } from '../run-contract.ts';

// Three members that elect, stop and catch up, on a disk that others use too.
jest.setTimeout(180_000);

async function secondariesOf(client: MongoClient): Promise<readonly string[]> {
  const { hosts, primary } = await client.db('admin').command({ hello: 1 });
  return (hosts as readonly string[]).filter((host) => host !== primary);
}

/** How far the last member is behind the first, milliseconds, of those that have been heard of. */
async function lagOf(client: MongoClient): Promise<number> {
  const { members } = await client.db('admin').command({ replSetGetStatus: 1 });
  const times = (members as readonly { readonly optimeDate: Date }[])
    .map(({ optimeDate }) => optimeDate.getTime())
    .filter((time) => time > 0);
  return Math.max(...times) - Math.min(...times);
}

/** What is awaited of a run, or its failure when it ends before that. */
const before = <T>(running: Promise<RunResult>, awaited: Promise<T>): Promise<T> =>
  Promise.race([
    awaited,
    running.then(({ failure }) => {
      throw failure?.error ?? new Error('The run ended before what the test waits for.');
    }),
  ]);

test('writes stop while a secondary is far behind, and start again', async () => {
  await using server = await startSteadyReplicaSet();
  await using client = new MongoClient(server.uri);
  await using checkout = await makeCheckout({ 'migrations/1.js': `exports.up = async (db, client, { batch }) => { ${raiseThings} };` });
  const db = client.db('shop');
  await fillThings(db, 50);
  const [secondary = ''] = await secondariesOf(client);
  await using held = await holdBack(secondary);
  // Writes that the secondary does not get, until it is behind by three seconds.
  while ((await lagOf(client)) < 3_000) await db.collection('others').insertOne({});
  const waiting = Promise.withResolvers<string>();
  const running = applyMigrations(db, checkout.folder, {
    uri: server.uri,
    throttle: { maxLagMilliseconds: 1_000, minOplogWindowMilliseconds: 0 },
    onBatch: ({ waiting: why }) => why !== undefined && waiting.resolve(why),
  });
  expect(await before(running, waiting.promise)).toMatch(/a secondary is \d+ s behind/);
  expect(await db.collection('things').countDocuments({ n: 1 })).toBe(0);
  await held.release();
  expect((await running).failure).toBeUndefined();
  expect(await db.collection('things').distinct('n')).toEqual([1]);
});

test('a secondary that is behind on purpose holds nothing up', async () => {
  await using server = await startSteadyReplicaSet();
  await using client = new MongoClient(server.uri);
  await using checkout = await makeCheckout({ 'migrations/1.js': `exports.up = async (db, client, { batch }) => { ${raiseThings} };` });
  const db = client.db('shop');
  await fillThings(db, 50);
  const [delayed] = await secondariesOf(client);
  const admin = client.db('admin');
  const { config } = await admin.command({ replSetGetConfig: 1 });
  const members = (config.members as readonly { readonly host: string }[]).map((member) =>
    member.host === delayed ? { ...member, priority: 0, hidden: true, secondaryDelaySecs: 3_600 } : member,
  );
  await admin.command({ replSetReconfig: { ...config, members, version: config.version + 1 } });
  while ((await lagOf(client)) < 3_000) await db.collection('others').insertOne({});
  const waits: string[] = [];
  const run = await applyMigrations(db, checkout.folder, {
    uri: server.uri,
    throttle: { maxLagMilliseconds: 1_000, minOplogWindowMilliseconds: 0 },
    onBatch: ({ waiting }) => waiting !== undefined && waits.push(waiting),
  });
  expect(run.failure).toBeUndefined();
  expect(waits).toEqual([]);
  expect(await db.collection('things').distinct('n')).toEqual([1]);
});

test('writes stop while flow control slows the server down', async () => {
  await using server = await startSteadyReplicaSet({ parameters: { flowControlTargetLagSeconds: 1 } });
  await using client = new MongoClient(server.uri);
  const admin = client.db('admin');
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
  await before(running, paused.promise);
  await using held = new AsyncDisposableStack();
  for (const secondary of await secondariesOf(client)) held.use(await holdBack(secondary));
  const isLagged = async (): Promise<boolean> => (await admin.command({ serverStatus: 1 }))['flowControl'].isLagged as boolean;
  while (!(await isLagged())) await db.collection('others').insertOne({}, { writeConcern: { w: 1 } });
  await flag.deleteOne({ _id: 'pause' as never });
  await before(running, slowed.promise);
  await held.disposeAsync();
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
  expect(await before(running, waiting.promise)).toMatch(/^the oplog reaches back only \d+ minutes$/);
  controller.abort(new Error('cancelled'));
  expect((await running).failure?.error.message).toBe('cancelled');
  expect(await db.collection('things').countDocuments({ n: 1 })).toBe(0);
});
