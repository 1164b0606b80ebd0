import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MongoClient, type Db } from 'mongodb';
import { silentLog } from '../log/log.ts';
import { applyMigrations } from '../testing/apply-migrations.ts';
import { makeCheckout } from '../testing/checkout.ts';
import { openMigrationScene, type MigrationScene, type Prepared } from '../testing/migration-scene.ts';
import { startMongod } from '../testing/mongod.ts';
import { describeCheckpoints, journalCollection } from './journal.ts';
import { lockCollection } from './lock.ts';

let scene: MigrationScene;

beforeAll(async () => {
  scene = await openMigrationScene('batch');
});
afterAll(async () => scene[Symbol.asyncDispose]());

async function prepare(up: string, documents = 95, constants = ''): Promise<Prepared> {
  const migration = `${constants}\nexports.up = async (db, client, { batch }) => {\n${up}\n};`;
  const prepared = await scene.prepare({ 'migrations/1.js': migration });
  await fill(prepared.db, documents);
  return prepared;
}

async function fill(db: Db, documents: number): Promise<void> {
  const things = Array.from({ length: documents }, (_, index) => ({ _id: index as never, n: 0 }));
  if (things.length > 0) await db.collection('things').insertMany(things);
}

/** Not idempotent: a batch that is lost or done twice shows. */
const raise = `await batch('things', { size: 10 }, ({ filter }) => db.collection('things').updateMany(filter, { $inc: { n: 1 } }));`;

describe('the batch helper', () => {
  test('visits every document once, in batches of the size, whatever types its _id has', async () => {
    const { db, checkout } = await prepare(
      `const sizes = [];
      const { documents } = await batch(db.collection('things'), { size: 30, name: 'all' }, async ({ filter, count }) => {
        sizes.push(count);
        const { modifiedCount } = await db.collection('things').updateMany(filter, { $inc: { n: 1 } });
        if (modifiedCount !== count) throw new Error('another number of documents');
      });
      if (String(sizes) !== '30,30,30,13' || documents !== 103) throw new Error(String(sizes));`,
    );
    const odd = ['a', 'B', 7.5, new Date(0), null, { a: 1 }, true, Buffer.from('x')];
    await db.collection('things').insertMany(odd.map((_id) => ({ _id: _id as never, n: 0 })));
    const { failure } = await applyMigrations(db, checkout.folder);
    expect(failure).toBeUndefined();
    expect(await db.collection('things').distinct('n')).toEqual([1]);
  });

  test('takes only what matches the filter, and leaves out what is inserted behind the end meanwhile', async () => {
    const { db, checkout } = await prepare(
      `await batch('things', { size: 10, filter: { _id: { $gte: 50 } } }, async ({ filter, number }) => {
        await db.collection('things').insertOne({ _id: 1000 + number, n: 0 });
        await db.collection('things').updateMany(filter, { $inc: { n: 1 } });
      });`,
    );
    expect((await applyMigrations(db, checkout.folder)).failure).toBeUndefined();
    expect(await db.collection('things').countDocuments({ n: 1, _id: { $gte: 50 as never, $lt: 95 as never } })).toBe(45);
    expect(await db.collection('things').countDocuments({ n: 0 })).toBe(55);
  });

  test.each([true, false])('a killed run goes on behind its last batch, transaction %s', async (transaction) => {
    const { db, checkout } = await prepare(
      `await batch('things', { size: 10, transaction: ${transaction} }, async ({ filter, number }) => {
        if (number === 4) await new Promise(() => setInterval(() => {}, 1000));
        await db.collection('things').updateMany(filter, { $inc: { n: 1 } });
      });`,
      95,
      'exports.idempotent = true;',
    );
    const { failure } = await applyMigrations(db, checkout.folder, { fileTimeout: 2_000 });
    expect(failure).toMatchObject({ error: { code: 'run/timeout' } });
    expect(await db.collection('things').countDocuments({ n: 1 })).toBe(30);
    const checkpoint = await db.collection(journalCollection).findOne({ state: 'CHECKPOINT' });
    expect(checkpoint).toMatchObject({ file: '1.js', batch: 'things', documents: 30, last: { value: 29 } });
    expect(await describeCheckpoints(db, '1.js')).toBe('things: 30 documents');
    // The same file without the wait: only its hash, by which a checkpoint counts, must stay.
    const text = `exports.idempotent = true;\nexports.up = async (db, client, { batch }) => {\n${raise}\n};`;
    await checkout.write({ 'migrations/1.js': text });
    const { createHash } = await import('node:crypto');
    const hash = createHash('sha256').update(text).digest('hex');
    await db.collection(journalCollection).updateMany({ state: 'CHECKPOINT' }, { $set: { hash } });
    const said: string[] = [];
    expect(
      (await applyMigrations(db, checkout.folder, { log: { ...silentLog, info: (line) => said.push(line) } })).failure,
    ).toBeUndefined();
    expect(said.join('\n')).toContain('things: going on after 30 documents');
    expect(await db.collection('things').distinct('n')).toEqual([1]);
  });

  test('an edited file begins anew', async () => {
    const { db, checkout } = await prepare(`${raise} throw new Error('after the batches');`, 95, 'exports.idempotent = true;');
    expect((await applyMigrations(db, checkout.folder)).failure?.error.message).toContain('things: 95 modified');
    await checkout.write({ 'migrations/1.js': `exports.idempotent = true; exports.up = async (db, client, { batch }) => {\n${raise}\n};` });
    await applyMigrations(db, checkout.folder);
    expect(await db.collection('things').distinct('n')).toEqual([2]);
  });

  test('a batch that the server aborts runs again, and counts once', async () => {
    const { db, checkout } = await prepare(raise);
    const data = {
      failCommands: ['update'],
      errorCode: 112,
      errorLabels: ['TransientTransactionError'],
      namespace: `${db.databaseName}.things`,
    };
    await scene.connection.client.db('admin').command({ configureFailPoint: 'failCommand', mode: { times: 3 }, data });
    const { done } = await applyMigrations(db, checkout.folder);
    expect(done[0]?.effects.collections).toEqual({ things: { inserted: 0, modified: 95, deleted: 0 } });
    expect(await db.collection('things').distinct('n')).toEqual([1]);
  });

  test('waits while a person has set the flag, and says so', async () => {
    const { db, checkout } = await prepare(raise);
    await db.collection(lockCollection).insertOne({ _id: 'pause' as never });
    const waiting = Promise.withResolvers<void>();
    const running = applyMigrations(db, checkout.folder, {
      onBatch: ({ waiting: why }) => why?.includes('migration_lock') && waiting.resolve(),
    });
    await waiting.promise;
    expect(await db.collection('things').countDocuments({ n: 1 })).toBe(0);
    await db.collection(lockCollection).deleteOne({ _id: 'pause' as never });
    expect((await running).failure).toBeUndefined();
    expect(await db.collection('things').distinct('n')).toEqual([1]);
  });

  test('ends at its next batch when the run is cancelled', async () => {
    const { db, checkout } = await prepare(
      `await batch('things', { size: 1 }, async ({ filter, number }) => {
        if (number === 2) console.log('second');
        await db.collection('things').updateMany(filter, { $inc: { n: 1 } });
        await new Promise((resolve) => setTimeout(resolve, 50));
      });`,
    );
    const controller = new AbortController();
    const info = (line: string): void => (line.includes('second') ? controller.abort(new Error('cancelled')) : undefined);
    const { failure } = await applyMigrations(db, checkout.folder, { log: { ...silentLog, info }, signal: controller.signal });
    expect(failure?.error.message).toBe('cancelled');
    const done = await db.collection('things').countDocuments({ n: 1 });
    expect(done).toBeLessThan(95);
    expect(await db.collection(journalCollection).findOne({ state: 'CHECKPOINT' })).toMatchObject({ documents: done });
  });

  test('two walks of one file need names of their own', async () => {
    const { db, checkout } = await prepare(`${raise}${raise}`);
    expect((await applyMigrations(db, checkout.folder)).failure?.error.message).toContain('two walks are called things');
  });
});

test('writes stop while a secondary is far behind, and start again', async () => {
  await using server = await startMongod({ kind: 'replica-set', members: 3 });
  await using client = new MongoClient(server.uri);
  interface Member {
    readonly stateStr: string;
    readonly name: string;
    readonly optimeDate: Date;
  }
  const members = async (): Promise<readonly Member[]> =>
    (await client.db('admin').command({ replSetGetStatus: 1 }))['members'] as Member[];
  const secondary = (await members()).find(({ stateStr }) => stateStr === 'SECONDARY');
  await using behind = new MongoClient(`mongodb://${secondary?.name}/?directConnection=true`);
  const replication = (mode: 'alwaysOn' | 'off'): Promise<unknown> =>
    behind.db('admin').command({ configureFailPoint: 'rsSyncApplyStop', mode });
  await using checkout = await makeCheckout({ 'migrations/1.js': `exports.up = async (db, client, { batch }) => { ${raise} };` });
  const db = client.db('shop');
  await fill(db, 50);
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
  await using checkout = await makeCheckout({ 'migrations/1.js': `exports.up = async (db, client, { batch }) => { ${raise} };` });
  const db = client.db('shop');
  await fill(db, 50);
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
}, 60_000);

test('writes stop while a full oplog reaches back too little', async () => {
  await using server = await startMongod({ kind: 'replica-set', members: 1 }, { args: ['--oplogSize', '5'] });
  await using client = new MongoClient(server.uri);
  await using checkout = await makeCheckout({ 'migrations/1.js': `exports.up = async (db, client, { batch }) => { ${raise} };` });
  const db = client.db('shop');
  await fill(db, 50);
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
}, 60_000);
