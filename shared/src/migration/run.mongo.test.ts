import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Db } from 'mongodb';
import { silentLog, type Log } from '../log/log.ts';
import { applyMigrations, testRun } from '../testing/apply-migrations.ts';
import { workerProgram } from '../testing/migration-worker.ts';
import { openMigrationScene, type MigrationScene } from '../testing/migration-scene.ts';
import { sharedUri } from '../testing/mongod.ts';
import { readHistory } from './history/migrate-mongo.ts';
import { openJournal, readJournal } from './journal.ts';
import { acquireLock } from './lock.ts';
import { openProject } from './project.ts';
import { runUp } from './run.ts';

const run = testRun;

let scene: MigrationScene;

beforeAll(async () => {
  scene = await openMigrationScene('run');
});
afterAll(async () => scene[Symbol.asyncDispose]());

const insert = (n: number): string =>
  `module.exports = { up: (db) => db.collection('things').insertOne({ n: ${n} }), down: (db) => db.collection('things').deleteOne({ n: ${n} }) };`;

const require = createRequire(import.meta.url);

async function stock(command: string, db: Db, folder: string): Promise<string> {
  const tool = path.resolve(require.resolve('migrate-mongo'), '../../bin/migrate-mongo.js');
  const child = spawn(process.execPath, [tool, command], {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: '', DATABASE: db.databaseName },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (text += data.toString()));
  await new Promise((resolve) => child.on('close', resolve));
  return text;
}

const config = `module.exports = { mongodb: { url: ${JSON.stringify('URI')}, databaseName: process.env.DATABASE }, migrationsDir: 'migrations', changelogCollectionName: 'changelog', migrationFileExtension: '.js', useFileHash: false };`;

describe('running migrations', () => {
  test('applies in order and records what migrate-mongo records', async () => {
    const { db, checkout } = await scene.prepare({ 'migrations/2.js': insert(2), 'migrations/1.js': insert(1) });
    const { done, failure } = await applyMigrations(db, checkout.folder);
    expect(failure).toBeUndefined();
    expect(done.map(({ name, effects }) => [name, effects.collections])).toEqual([
      ['1.js', { things: { inserted: 1, modified: 0, deleted: 0 } }],
      ['2.js', { things: { inserted: 1, modified: 0, deleted: 0 } }],
    ]);
    const records = await db.collection('changelog').find().sort({ _id: 1 }).toArray();
    expect(records.map((record) => Object.keys(record))).toEqual(records.map(() => ['_id', 'fileName', 'appliedAt', 'migrationBlock']));
    expect(new Set(records.map((record) => record['migrationBlock'])).size).toBe(1);
    expect([...(await readJournal(db)).values()].map(({ file, state }) => [file, state])).toEqual([
      ['1.js', 'APPLIED'],
      ['2.js', 'APPLIED'],
    ]);
  });

  test('shares its history with stock migrate-mongo, whoever comes first', async () => {
    const { db, checkout } = await scene.prepare({ 'migrations/1.js': insert(1) });
    await checkout.write({ 'migrate-mongo-config.js': config.replace('URI', sharedUri()) });
    expect(await stock('up', db, checkout.folder)).toContain('MIGRATED UP: 1.js');
    await checkout.write({ 'migrations/2.js': insert(2) });
    expect((await applyMigrations(db, checkout.folder)).done.map(({ name }) => name)).toEqual(['2.js']);
    expect(await stock('status', db, checkout.folder)).not.toContain('PENDING');
    expect(await stock('up', db, checkout.folder)).not.toContain('MIGRATED');
    expect(await stock('down', db, checkout.folder)).toContain('MIGRATED DOWN: 2.js');
    expect((await applyMigrations(db, checkout.folder)).done.map(({ name }) => name)).toEqual(['2.js']);
    expect(await db.collection('things').countDocuments()).toBe(2);
  });

  test('ten runners at once apply each file exactly once', async () => {
    const { db, checkout } = await scene.prepare({
      'migrations/1.js': insert(1),
      'migrations/2.js': insert(2),
      'migrations/3.js': insert(3),
    });
    const results = await Promise.all(Array.from({ length: 10 }, () => applyMigrations(db, checkout.folder)));
    expect(results.flatMap(({ done }) => done.map(({ name }) => name)).sort()).toEqual(['1.js', '2.js', '3.js']);
    expect(await db.collection('things').countDocuments()).toBe(3);
    expect(await db.collection('changelog').countDocuments()).toBe(3);
  });

  test('stops at a failing file, names its line and what it had done, and records exactly the files before', async () => {
    const { db, checkout } = await scene.prepare({
      'migrations/1.js': insert(1),
      'migrations/2.js': `exports.up = async (db) => {\n  await db.collection('things').insertMany([{}, {}]);\n  await db.collection('things').insertOne({ _id: 1 });\n  await db.collection('things').insertOne({ _id: 1 });\n};`,
      'migrations/3.js': insert(3),
    });
    const { done, failure } = await applyMigrations(db, checkout.folder);
    expect(done.map(({ name }) => name)).toEqual(['1.js']);
    expect(failure).toMatchObject({ file: '2.js', error: { code: 'migration/failed', place: { file: 'migrations/2.js', line: 4 } } });
    expect(failure?.error.message).toContain('things: 3 inserted');
    expect((await readHistory(db, 'changelog')).map(({ fileName }) => fileName)).toEqual(['1.js']);
    expect((await readJournal(db)).get('2.js')).toMatchObject({ state: 'FAILED', effects: { collections: { things: { inserted: 3 } } } });
  });

  test.each([
    ['calls process.exit', `process.exit(0)`, 'process.exit(0) was called', 3],
    ['throws where nobody waits', `setTimeout(() => { throw new Error('stray') }); await new Promise(() => {})`, 'stray', 3],
    ['rejects where nobody waits', `Promise.reject(new Error('stray'))`, 'stray', 3],
    ['throws no error', `throw 'text'`, 'text', undefined],
  ])('a migration that %s has failed', async (_what, code, message, line) => {
    const { db, checkout } = await scene.prepare({
      'migrations/1.js': `exports.up = async (db) => {\n  await db.collection('things').insertOne({});\n  ${code};\n};`,
    });
    const { failure } = await applyMigrations(db, checkout.folder);
    expect(failure?.error.message).toContain(message);
    expect(failure?.error.message).toContain('things: 1 inserted');
    expect(failure?.error.place?.line).toBe(line);
    expect(await db.collection('changelog').countDocuments()).toBe(0);
  });

  test('waits for writes that nobody awaited, says so, and shows what was printed to stderr and swallowed', async () => {
    const { db, checkout } = await scene.prepare({
      'migrations/1.js': `exports.up = async (db) => {
        await db.collection('things').createIndex({ n: 1 }, { unique: true });
        await db.collection('things').insertOne({ n: 1 });
        await db.collection('things').insertOne({ n: 1 }).catch((error) => console.error('it did not work'));
        db.collection('things').insertMany(Array.from({ length: 5000 }, (_, n) => ({ n: n + 10 })));
      };`,
    });
    const { done } = await applyMigrations(db, checkout.folder);
    expect(done[0]?.warnings).toEqual([
      'The write insert things of migrations/1.js line 5 was still under way when it returned: an await is missing. It was waited for.',
      expect.stringContaining('1 writes failed'),
      'It printed to stderr: it did not work',
    ]);
    expect(done[0]?.effects).toMatchObject({ collections: { things: { inserted: 5001 } }, structure: ['createIndexes things'] });
  });

  test('shows an error that was caught and only logged, without its stack', async () => {
    const { db, checkout } = await scene.prepare({
      'migrations/1.js': `exports.up = async (db) => {
        await db.collection('things').insertOne({ n: 1 });
        try { null.name } catch (error) { console.log('went on after', error) }
        console.log('nothing wrong here');
      };`,
    });
    const { done } = await applyMigrations(db, checkout.folder);
    expect(done[0]?.warnings).toEqual([expect.stringMatching(/^It printed to stderr: went on after TypeError: Cannot read/)]);
  });

  test('migrations write with w: majority unless the connection string says otherwise', async () => {
    const { db, checkout } = await scene.prepare({
      'migrations/1.js': `exports.up = async (db, client) => { throw new Error([client, db, db.collection('a')].map(({ writeConcern }) => writeConcern.w)) };`,
    });
    expect((await applyMigrations(db, checkout.folder)).failure?.error.message).toContain('majority,majority,majority');
    const { failure } = await applyMigrations(db, checkout.folder, { uri: `${sharedUri()}&w=1` });
    expect(failure?.error.message).toContain('1,1,1');
  });

  test('tells every ten seconds how far a file is, in a group of its own, and one line when it has ended', async () => {
    const { db, checkout } = await scene.prepare({
      'migrations/1.js': `exports.up = async (db) => { await db.collection('things').insertOne({}); await new Promise((resolve) => setTimeout(resolve, 10_500)); };`,
      'migrations/2.js': insert(2),
    });
    const lines: string[] = [];
    const group: Log['group'] = async (name, body) => {
      lines.push(`begin ${name}`);
      const result = await body();
      lines.push(`end ${name}`);
      return result;
    };
    await applyMigrations(db, checkout.folder, { log: { ...silentLog, group, info: (line) => lines.push(line) } });
    expect(lines.slice(1)).toEqual([
      'begin up 1.js',
      '… 1.js is running for 10 s: things: 1 inserted; 1 more pending',
      'end up 1.js',
      expect.stringMatching(/^up 1\.js: 1\d s, things: 1 inserted$/),
      'begin up 2.js',
      'end up 2.js',
      expect.stringMatching(/^up 2\.js: 0\.\d s, things: 1 inserted$/),
    ]);
  }, 30_000);

  test('a client that is left open holds nothing up', async () => {
    const { db, checkout } = await scene.prepare({
      'migrations/1.js': `const { MongoClient } = require('mongodb');\nexports.up = async () => { await new MongoClient(${JSON.stringify(sharedUri())}).connect(); setInterval(() => {}, 1000); };`,
    });
    const { done } = await applyMigrations(db, checkout.folder);
    expect(done.map(({ name }) => name)).toEqual(['1.js']);
  });

  test('stops a migration that runs into the time limit, on the server too', async () => {
    const { db, checkout } = await scene.prepare({
      'migrations/1.js': `exports.up = async (db) => { await db.collection('things').insertOne({}); await db.collection('things').findOne({ $where: 'sleep(60000) || true' }); };`,
    });
    const { failure } = await applyMigrations(db, checkout.folder, { timeout: 1_500 });
    expect(failure).toMatchObject({ file: '1.js', error: { code: 'run/timeout' } });
    const running = (): Promise<unknown[]> =>
      scene.connection.client
        .db('admin')
        .aggregate([{ $currentOp: {} }, { $match: { appName: `migration-guard/${db.databaseName}`, active: true } }])
        .toArray();
    while ((await running()).length > 0);
    expect((await readJournal(db)).get('1.js')).toMatchObject({ state: 'INTERRUPTED', error: 'run/timeout' });
  });

  test('begins nothing when the time is up', async () => {
    const { db, checkout } = await scene.prepare({ 'migrations/1.js': insert(1) });
    const { failure } = await applyMigrations(db, checkout.folder, { timeout: 0 });
    expect(failure).toMatchObject({ error: { code: 'run/timeout', message: expect.stringContaining('was over before 1.js was begun') } });
    expect(failure).not.toHaveProperty('file');
    expect((await readJournal(db)).size).toBe(0);
  });

  test('stops a file that runs into the time limit of one file, and starts no other', async () => {
    const { db, checkout } = await scene.prepare({
      'migrations/1.js': insert(1),
      'migrations/2.js': `exports.up = async () => { for (;;); };`,
      'migrations/3.js': insert(3),
    });
    const { done, failure } = await applyMigrations(db, checkout.folder, { fileTimeout: 2_000 });
    expect(done.map(({ name }) => name)).toEqual(['1.js']);
    expect(failure?.error.message).toBe('2.js did not end within the time limit of a file (`file-timeout`) and was stopped.');
    expect((await readJournal(db)).get('2.js')).toMatchObject({ state: 'INTERRUPTED', error: 'run/timeout' });
  });

  test('lets a file end after a cancel, and starts no other', async () => {
    const { db, checkout } = await scene.prepare({
      'migrations/1.js': `exports.up = async (db) => { console.log('started'); await new Promise((resolve) => setTimeout(resolve, 300)); await db.collection('things').insertOne({}); };`,
      'migrations/2.js': insert(2),
    });
    const controller = new AbortController();
    const log = { ...silentLog, info: (line: string) => (line.includes('started') ? controller.abort(new Error('cancelled')) : undefined) };
    await using lock = await acquireLock({ db, owner: run, purpose: 'test', log: silentLog });
    await using project = await openProject({
      workspace: checkout.folder,
      folder: undefined,
      driver: 'auto',
      program: workerProgram,
      env: process.env,
      log,
    });
    await project.load(project.files);
    await project.connect({ uri: sharedUri(), database: db.databaseName, appName: 'cancel' });
    const journal = openJournal({ db, lock, run, now: () => new Date() });
    const options = {
      db,
      project,
      files: project.files,
      journal,
      lock,
      appName: 'cancel',
      log,
      now: () => new Date(),
      signal: controller.signal,
    };
    const { done, failure } = await runUp(options);
    expect(done.map(({ name }) => name)).toEqual(['1.js']);
    expect(failure?.error.message).toBe('cancelled');
    expect(await db.collection('things').countDocuments()).toBe(1);
  });

  test('stops at once when the lock is lost, and writes nothing more', async () => {
    const { db, checkout } = await scene.prepare({
      'migrations/1.js': `exports.up = async (db) => {
        await db.collection('migration_lock').updateOne({}, { $inc: { fence: 1 } });
        await new Promise(() => setInterval(() => {}, 1000));
      };`,
    });
    const { failure } = await applyMigrations(db, checkout.folder, { leaseMilliseconds: 600 });
    expect(failure).toMatchObject({ file: '1.js', error: { code: 'lock/lost' } });
    expect((await readJournal(db)).get('1.js')).toMatchObject({ state: 'STARTED' });
    expect(await db.collection('changelog').countDocuments()).toBe(0);
  });

  test('a history that cannot be written ends the run, and the journal knows that the file had ended', async () => {
    const { db, checkout } = await scene.prepare({ 'migrations/1.js': insert(1), 'migrations/2.js': insert(2) });
    await db.createCollection('changelog', { validator: { fileName: { $ne: '2.js' } } });
    const { done, failure } = await applyMigrations(db, checkout.folder);
    expect(done.map(({ name }) => name)).toEqual(['1.js']);
    expect(failure).toMatchObject({ file: '2.js', error: { code: 'server/failed' } });
    expect((await readJournal(db)).get('2.js')).toMatchObject({ state: 'FINISHED' });
  });

  test('down takes the newest back first and out of the history', async () => {
    const { db, checkout } = await scene.prepare({ 'migrations/1.js': insert(1), 'migrations/2.js': insert(2) });
    await applyMigrations(db, checkout.folder);
    const { done } = await applyMigrations(db, checkout.folder, { direction: 'down' });
    expect(done.map(({ name }) => name)).toEqual(['2.js', '1.js']);
    expect(await readHistory(db, 'changelog')).toEqual([]);
    expect(await db.collection('things').countDocuments()).toBe(0);
    expect([...(await readJournal(db)).values()].map(({ state }) => state)).toEqual(['ROLLED_BACK', 'ROLLED_BACK']);
  });

  test('records hashes where the configuration asks for them', async () => {
    const { db, checkout } = await scene.prepare({
      'migrate-mongo-config.js': `module.exports = { useFileHash: true };`,
      'migrations/1.js': insert(1),
    });
    await applyMigrations(db, checkout.folder);
    const [record] = await readHistory(db, 'changelog');
    expect(record?.fileHash).toMatch(/^[0-9a-f]{64}$/);
  });
});
