import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Db } from 'mongodb';
import { silentLog } from '../log/log.ts';
import { applyMigrations, type ApplyOptions } from '../testing/apply-migrations.ts';
import { failCommand } from '../testing/fail-command.ts';
import { openMigrationScene, type MigrationScene, type Prepared } from '../testing/migration-scene.ts';
import { journalCollection, readJournal } from './journal.ts';
import { settleCommit } from './settle.ts';

let scene: MigrationScene;

beforeAll(async () => {
  scene = await openMigrationScene('transaction');
});
afterAll(async () => scene[Symbol.asyncDispose]());

interface Things extends Prepared {
  readonly apply: (options?: ApplyOptions) => ReturnType<typeof applyMigrations>;
}

async function prepare(files: Readonly<Record<string, string>>): Promise<Things> {
  const { db, checkout } = await scene.prepare(files);
  await db.collection<{ _id: number; n: number }>('things').insertMany([1, 2, 3].map((_id) => ({ _id, n: 0 })));
  return { db, checkout, apply: (options) => applyMigrations(db, checkout.folder, { transaction: 'per-file', ...options }) };
}

const raised = async (db: Db): Promise<number> => db.collection('things').countDocuments({ n: { $gt: 0 } });

/** Fails the next `times` commands of this name for the migrations' own connection. */
function failMigration(db: Db, times: number, data: Readonly<Record<string, unknown>>): Promise<AsyncDisposable> {
  return failCommand(scene.connection.client, { times }, { ...data, appName: `migration-guard/${db.databaseName}` });
}

/** Writes in every way that a migration knows, none of which names a session. */
const everyWay = `
  const things = db.collection('things');
  await things.updateMany({}, { $inc: { n: 1 } });
  for await (const thing of things.find().batchSize(1)) await things.updateOne({ _id: thing._id }, { $inc: { n: 1 } });
  await things.bulkWrite([{ insertOne: { document: { _id: 9, n: 5 } } }, { deleteOne: { filter: { _id: 1 } } }]);
  await things.findOneAndUpdate({ _id: 2 }, { $inc: { n: 1 } });
  await client.db(db.databaseName).collection('others').insertMany([{}, {}]);
  await db.command({ insert: 'others', documents: [{}] });
  await Promise.all([7, 8].map((_id) => things.insertOne({ _id, n: 1 })));
  if ((await things.countDocuments({})) !== 5) throw new Error('does not see its own writes');
  if ((await things.aggregate([{ $match: { n: 3 } }]).toArray()).length !== 1) throw new Error('no cursor');
`;

describe.each(['bundled', 'mongodb4', 'mongodb5', 'mongodb6'])('a file in a transaction, driver %s', (driver) => {
  const files = (body: string): Readonly<Record<string, string>> => ({
    'migrations/1.js': `exports.up = async (db, client) => { ${body} };`,
    ...(driver === 'bundled'
      ? {}
      : { 'node_modules/mongodb/package.json': `{"name":"mongodb","version":"${driver.slice(-1)}.0.0","main":"index.js"}` }),
  });
  const linked = async (body: string): Promise<Things> => {
    const prepared = await prepare(files(body));
    if (driver !== 'bundled') {
      const target = JSON.stringify(import.meta.resolve(driver).replace('file://', ''));
      await prepared.checkout.write({ 'node_modules/mongodb/index.js': `module.exports = require(${target});` });
    }
    return prepared;
  };

  test('that knows nothing of sessions is committed as a whole', async () => {
    const { db, apply } = await linked(everyWay);
    const { done, failure } = await apply();
    expect(failure).toBeUndefined();
    expect(done[0]).toMatchObject({ inTransaction: true, effects: { collections: { others: { inserted: 3 } } } });
    expect(
      await db
        .collection('things')
        .find()
        .sort({ _id: 1 })
        .map(({ n }) => n as number)
        .toArray(),
    ).toEqual([3, 2, 1, 1, 5]);
    expect((await readJournal(db)).get('1.js')?.state).toBe('APPLIED');
  });

  test('leaves nothing behind when it fails', async () => {
    const { db, apply } = await linked(`${everyWay} throw new Error('no');`);
    const { failure } = await apply();
    expect(failure?.error.message).toMatch(/Its transaction was aborted: none of it is in the database \(tried: .*others: 3 inserted/);
    expect(await raised(db)).toBe(0);
    expect(await db.collection('others').countDocuments()).toBe(0);
    expect((await readJournal(db)).get('1.js')).toMatchObject({ state: 'FAILED', effects: { collections: {} } });
  });
});

const raise = `await db.collection('things').updateMany({}, { $inc: { n: 1 } });`;

describe('transactions', () => {
  test('a file opts out, or in', async () => {
    const { apply } = await prepare({
      'migrations/1.js': `exports.transaction = false; exports.up = async (db) => { ${raise} };`,
      'migrations/2.js': `exports.transaction = true; exports.up = async (db, client, { session }) => { if (!session.inTransaction()) throw new Error('none'); };`,
    });
    const { done, failure } = await apply({ transaction: 'none' });
    expect(failure).toBeUndefined();
    expect(done.map(({ inTransaction }) => inTransaction)).toEqual([false, true]);
  });

  test('runs again what the server aborted for a passing reason', async () => {
    const { db, apply } = await prepare({ 'migrations/1.js': `exports.up = async (db) => { ${raise} };` });
    const said: string[] = [];
    await using _failing = await failMigration(db, 2, {
      failCommands: ['update'],
      errorCode: 112,
      errorLabels: ['TransientTransactionError'],
    });
    const { done } = await apply({ log: { ...silentLog, warning: (line) => said.push(line) } });
    expect(done[0]?.effects.collections).toEqual({ things: { inserted: 0, modified: 3, deleted: 0 } });
    expect(said).toEqual([
      'The server aborted the transaction (WriteConflict 112); attempt 2 begins from the start of the file.',
      'The server aborted the transaction (WriteConflict 112); attempt 3 begins from the start of the file.',
    ]);
    expect(await db.collection('things').distinct('n')).toEqual([1]);
  });

  test('sends the commit again while its result is not known', async () => {
    const { db, apply } = await prepare({ 'migrations/1.js': `exports.up = async (db) => { ${raise} };` });
    await using _failing = await failMigration(db, 2, {
      failCommands: ['commitTransaction'],
      errorCode: 91,
      errorLabels: ['UnknownTransactionCommitResult'],
    });
    expect((await apply()).failure).toBeUndefined();
    expect(await db.collection('things').distinct('n')).toEqual([1]);
  });

  test('a commit whose result stays unknown is looked up: the file counts as what it is', async () => {
    const { db, apply } = await prepare({ 'migrations/1.js': `exports.up = async (db) => { ${raise} };` });
    await using _failing = await failMigration(db, 1, {
      failCommands: ['commitTransaction'],
      writeConcernError: { code: 100, errmsg: 'not enough members' },
    });
    const { done, failure } = await apply();
    expect(failure).toBeUndefined();
    expect(done[0]).toMatchObject({ name: '1.js', inTransaction: true });
    expect(await db.collection('changelog').countDocuments()).toBe(1);
  });

  test('names what is not allowed, and what to do', async () => {
    const { db, apply } = await prepare({
      'migrations/1.js': `exports.up = async (db) => { ${raise}\n await db.collection('things').createIndex({ n: 1 }); };`,
    });
    const { failure } = await apply();
    expect(failure?.error).toMatchObject({
      message: expect.stringMatching(/1\.js line 2 failed: .*(createIndexes|indexes).*transaction.*none of it is in the database/),
      remedy: expect.stringContaining('export const transaction = false'),
    });
    expect(await raised(db)).toBe(0);
  });

  const around = `const session = client.startSession();\n  await db.collection('others').insertOne({}, { session });`;

  test('finds a write that went around the transaction', async () => {
    const { apply } = await prepare({ 'migrations/1.js': `exports.up = async (db, client) => {\n  ${around}\n};` });
    const { done } = await apply();
    expect(done[0]?.warnings).toEqual([
      'It printed to stderr: 1.js line 3: a write (insert) was sent outside of the transaction: it would have stayed when the transaction failed.',
    ]);
  });

  test('what went around it is still there after a failure, and is said', async () => {
    const { apply } = await prepare({
      'migrations/1.js': `exports.up = async (db, client) => {\n  ${around}\n  throw new Error('no');\n};`,
    });
    const { failure } = await apply();
    expect(failure?.error.message).toContain('line 3 failed: a write (insert) was sent outside of the transaction');
    expect(failure?.effects).toMatchObject({ collections: { others: { inserted: 1 } } });
  });

  test('a killed run is settled by the next one: never committed means that the file runs as if for the first time', async () => {
    const { db, apply, checkout } = await prepare({
      'migrations/1.js': `exports.up = async (db) => { ${raise} await new Promise(() => setInterval(() => {}, 1000)); };`,
    });
    const { failure } = await apply({ fileTimeout: 1_000 });
    expect(failure).toMatchObject({ error: { code: 'run/timeout' }, effects: { collections: {} } });
    expect(await raised(db)).toBe(0);
    await checkout.write({ 'migrations/1.js': `exports.up = async (db) => { ${raise} };` });
    expect((await apply()).failure).toBeUndefined();
    expect(await db.collection('things').distinct('n')).toEqual([1]);
  });

  test('settling is final: whoever asks first decides, and a later commit fails', async () => {
    const { db } = await prepare({});
    const entry = { file: '1.js', state: 'STARTED' as const, at: new Date(), run: 'r', fence: 1, step: 1, commit: 'commit/1' };
    const session = scene.connection.client.startSession();
    session.startTransaction();
    await db.collection('things').insertOne({ n: 9 }, { session });
    expect(await settleCommit(db, entry)).toBe('aborted');
    await expect(db.collection(journalCollection).insertOne({ _id: 'commit/1' as never }, { session })).rejects.toThrow();
    await session.endSession();
    expect(await settleCommit(db, entry)).toBe('aborted');
    await db.collection(journalCollection).insertOne({ _id: 'commit/2' as never, state: 'FINISHED' });
    expect(await settleCommit(db, { ...entry, commit: 'commit/2' })).toBe('committed');
  });
});
