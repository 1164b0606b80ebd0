import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { silentLog } from '../log/log.ts';
import { applyMigrations } from '../testing/apply-migrations.ts';
import { failCommand } from '../testing/fail-command.ts';
import { fillThings, openMigrationScene, raiseThings as raise, type MigrationScene, type Prepared } from '../testing/migration-scene.ts';
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
  await fillThings(prepared.db, documents);
  return prepared;
}

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
    await using _failing = await failCommand(scene.connection.client, { times: 3 }, data);
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
