import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Connection } from '@migration-guard/shared/mongo/connect';
import { runReport, type Stage } from '@migration-guard/shared/report/run-report';
import { createPoint } from '@migration-guard/shared/rollback/point';
import { startJob, type Job, type StepResult } from '@migration-guard/shared/testing/action-runner';
import { connectShared, sharedUri, startMongod, uniqueDatabase } from '@migration-guard/shared/testing/mongod';
import { differingCollections, truthOf } from '@migration-guard/shared/testing/truth';
import type { Db } from 'mongodb';

let connection: Connection;

beforeAll(async () => {
  connection = await connectShared();
});
afterAll(() => connection.client.close());

interface Shop extends AsyncDisposable {
  readonly database: string;
  readonly db: Db;
  readonly job: Job;
  /** Takes the rollback point into the run folder, as `migrate` does before its first write. */
  mark(): Promise<void>;
  /** Records the planned migration as applied. */
  recordApplied(): Promise<void>;
  verify(inputs?: Readonly<Record<string, string>>, section?: unknown): Promise<StepResult>;
}

interface Numbered {
  readonly _id: number;
  readonly [field: string]: unknown;
}

async function openShop(): Promise<Shop> {
  const database = uniqueDatabase('verify');
  const db = connection.client.db(database);
  const orders = Array.from({ length: 100 }, (_, _id) => ({ _id, status: 'open', email: `person-${_id}@example.org` }));
  await db.collection<Numbered>('orders').insertMany(orders);
  await db.collection('orders').createIndex({ status: 1 });
  await db.collection('changelog').insertOne({ fileName: '1.js', appliedAt: new Date(0) });
  const job = await startJob();
  const runFolder = path.join(job.temp, 'run');
  return {
    database,
    db,
    job,
    async mark() {
      const now = (): Date => new Date();
      await createPoint({ client: connection.client, database, history: ['1.js'], planned: ['2.js'], now, runFolder });
    },
    async recordApplied() {
      await db.collection('changelog').insertOne({ fileName: '2.js', appliedAt: new Date() });
    },
    async verify(inputs = {}, section) {
      await writeFile(path.join(job.workspace, 'guard.yml'), JSON.stringify(section === undefined ? {} : { verify: section }));
      const common = { uri: sharedUri(), database, 'run-folder': runFolder, config: 'guard.yml' };
      return job.run('verify', { inputs: { ...common, ...inputs } });
    },
    async [Symbol.asyncDispose]() {
      await db.dropDatabase();
      await job[Symbol.asyncDispose]();
    },
  };
}

async function stageOf({ outputs }: StepResult): Promise<Stage> {
  const stage = (await runReport.read(outputs['run-report'] ?? '')).stages.at(-1);
  if (stage === undefined) throw new Error('The run report has no stage.');
  return stage;
}

async function failedRules(result: StepResult): Promise<readonly string[]> {
  return (await stageOf(result)).findings.filter(({ severity }) => severity === 'error').map(({ rule }) => rule);
}

describe('verify after a migration', () => {
  test('passes without any configuration when records and counts are right', async () => {
    await using shop = await openShop();
    await shop.mark();
    await shop.recordApplied();
    const verified = await shop.verify();
    const outputs = { decision: 'continue', severity: 'none', reason: '', 'checks-failed': '0', 'checks-passed': '3', result: 'passed' };
    expect(verified).toMatchObject({ exitCode: 0, outputs });
    expect((await stageOf(verified)).tables[0]?.rows).toHaveLength(3);
  });

  test('calls the loss of more than a tenth of a collection data loss, and asks for a rollback', async () => {
    await using shop = await openShop();
    await shop.mark();
    await shop.recordApplied();
    await shop.db.collection<Numbered>('orders').deleteMany({ _id: { $lt: 33 } });
    const verified = await shop.verify();
    const reason = expect.stringContaining('data_loss: orders holds 67 documents instead of 100 (-33.0 %)');
    expect(verified).toMatchObject({ exitCode: 1, outputs: { decision: 'rollback', severity: 'critical', 'checks-failed': '1', reason } });
    expect(await failedRules(verified)).toEqual(['verify/count-drift']);
    expect((await stageOf(verified)).nextStep).toContain('Roll back with action-rollback');
  });

  test('finds a planned migration that is not recorded, one that was not planned, and one that failed', async () => {
    await using shop = await openShop();
    await shop.mark();
    await shop.db.collection('changelog').insertOne({ fileName: '9.js', appliedAt: new Date() });
    const entry = { file: '2.js', state: 'FAILED', at: new Date(), run: 'x', fence: 1, step: 1 };
    await shop.db.collection('migration_journal').insertOne(entry);
    const verified = await shop.verify();
    const reason = expect.stringContaining('migration_failure');
    expect(verified).toMatchObject({ exitCode: 1, outputs: { decision: 'rollback', severity: 'critical', 'checks-failed': '3', reason } });
  });

  test('runs the checks of the configuration and shows no document', async () => {
    await using shop = await openShop();
    await shop.mark();
    await shop.recordApplied();
    await shop.db.collection<Numbered>('orders').updateMany({ _id: { $lt: 5 } }, { $unset: { email: '' } });
    const verified = await shop.verify(
      {},
      {
        counts: { collections: { orders: 'exact' } },
        indexes: [
          { collection: 'orders', name: 'status_1', keys: { status: 1 }, unique: false },
          { collection: 'orders', name: 'email_1' },
        ],
        'required-fields': [{ collection: 'orders', field: 'email', type: 'string' }],
        queries: [{ name: 'open orders', collection: 'orders', filter: { status: 'open' }, exactly: 100 }],
        unique: [{ collection: 'orders', fields: ['email'] }],
      },
    );
    expect(verified).toMatchObject({ exitCode: 1, outputs: { decision: 'rollback', severity: 'high' } });
    expect(await failedRules(verified)).toEqual(['verify/index-missing', 'verify/required-field', 'verify/duplicate-value']);
    expect(verified.rawLog + verified.summary + JSON.stringify(await stageOf(verified))).not.toContain('person-');
  });

  test('goes on where the detection rules say so, and still fails', async () => {
    await using shop = await openShop();
    await shop.mark();
    await shop.recordApplied();
    const section = {
      indexes: [{ collection: 'orders', name: 'gone' }],
      detection: { failed_check: { decision: 'continue', severity: 'medium' } },
    };
    const verified = await shop.verify({}, section);
    expect(verified).toMatchObject({ exitCode: 1, outputs: { decision: 'continue', severity: 'medium', result: 'failed' } });
  });

  test('without a rollback point checks what it can and warns', async () => {
    await using shop = await openShop();
    const verified = await shop.verify({}, { indexes: [{ collection: 'orders', name: 'status_1' }] });
    expect(verified).toMatchObject({ exitCode: 0, outputs: { result: 'warned', decision: 'continue', 'checks-passed': '1' } });
    const asked = await shop.verify({ 'rollback-point': 'nowhere.json' });
    expect(asked).toMatchObject({ exitCode: 1, annotations: [{ message: expect.stringContaining('document/not-found') }] });
  });

  test('takes the newest point of the database when asked, and none of another database', async () => {
    await using shop = await openShop();
    await shop.mark();
    await shop.recordApplied();
    const elsewhere = path.join(shop.job.temp, 'elsewhere');
    const latest = await shop.verify({ 'rollback-point': 'latest', 'run-folder': elsewhere });
    expect(latest).toMatchObject({ exitCode: 0, outputs: { result: 'passed' } });
    const wrong = await shop.verify({ database: `${shop.database}_2` });
    expect(wrong).toMatchObject({ exitCode: 1, annotations: [{ message: expect.stringContaining('rollback/wrong-database') }] });
  });

  test('decides for a rollback when the database does not answer', async () => {
    await using shop = await openShop();
    await shop.mark();
    const verified = await shop.verify({ uri: 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200' });
    expect(verified).toMatchObject({ exitCode: 1, outputs: { decision: 'rollback', severity: 'critical', result: 'failed' } });
    expect(verified.outputs['reason']).toMatch(/^connection_lost: /);
    expect(verified.annotations[0]?.message).toContain('target/unreachable');
  });

  test('names a typo in the configuration with its place, and checks nothing', async () => {
    await using shop = await openShop();
    const verified = await shop.verify({}, { indexes: [{ colection: 'orders', name: 'x' }] });
    expect(verified).toMatchObject({
      exitCode: 1,
      annotations: [{ file: 'guard.yml', message: expect.stringContaining('config/invalid') }],
    });
  });

  test('changes nothing', async () => {
    await using shop = await openShop();
    await shop.mark();
    const before = await truthOf(shop.db);
    await shop.verify();
    await shop.verify({ mode: 'preflight' });
    expect(differingCollections(before, await truthOf(shop.db))).toEqual([]);
    expect(await shop.db.collection('migration_lock').countDocuments()).toBe(0);
  });
});

describe('preflight', () => {
  const rowsOf = async (result: StepResult): Promise<Readonly<Record<string, string | undefined>>> =>
    Object.fromEntries((await stageOf(result)).tables[0]?.rows.map((row) => [`${row[1]} ${row[2]}`, row[0]]) ?? []);

  test('passes on a replica set that is ready', async () => {
    await using shop = await openShop();
    const checked = await shop.verify({ mode: 'preflight' });
    expect(checked).toMatchObject({ exitCode: 0, outputs: { 'checks-failed': '0', severity: 'none' } });
    expect(await rowsOf(checked)).toMatchObject({
      'preflight/version server version': 'passed',
      'preflight/topology kind of server': 'passed',
      'preflight/privileges privileges to roll back': 'passed',
      'preflight/lock migration lock': 'passed',
      'preflight/journal half-done migrations': 'passed',
      'preflight/oplog oplog': 'passed',
    });
  });

  test('fails while another run holds the lock, and after a migration that was left half-done', async () => {
    await using shop = await openShop();
    const expiresAt = new Date(Date.now() + 600_000);
    const held = { owner: 'https://example.org/other', holder: 'x', purpose: 'migrate apply', fence: 7, acquiredAt: new Date(), expiresAt };
    await shop.db.collection<{ _id: string }>('migration_lock').insertOne({ _id: 'migrations', ...held });
    const entry = { file: '2.js', state: 'STARTED', at: new Date(), run: 'https://example.org/run', fence: 1, step: 1 };
    await shop.db.collection('migration_journal').insertOne(entry);
    const checked = await shop.verify({ mode: 'preflight' });
    expect(checked).toMatchObject({ exitCode: 1, outputs: { 'checks-failed': '2', result: 'failed' } });
    expect(await failedRules(checked)).toEqual(['preflight/lock', 'preflight/journal']);
    expect(checked.outputs['reason']).toContain('held by https://example.org/other (migrate apply)');
  });

  test('names what a user may not do, and what it may not ask', async () => {
    await using server = await startMongod({ kind: 'standalone' }, { rootPassword: 'pw' });
    await using shop = await openShop();
    const as = (user: string, password: string): string => server.uri.replace(/^mongodb:\/\/([^@]*@)?/, `mongodb://${user}:${password}@`);
    const { MongoClient } = await import('mongodb');
    const root = await new MongoClient(as('root', 'pw')).connect();
    await root.db('admin').command({ createUser: 'reader', pwd: 'hunter2', roles: [{ role: 'read', db: shop.database }] });
    await root.close();
    const checked = await shop.verify({ mode: 'preflight', uri: as('reader', 'hunter2') });
    expect(checked).toMatchObject({ exitCode: 1, outputs: { result: 'failed' } });
    expect(await rowsOf(checked)).toMatchObject({
      'preflight/topology kind of server': 'warned',
      'preflight/privileges privileges to read and compare': 'passed',
      'preflight/privileges privileges to migrate': 'failed',
      'preflight/privileges privileges to roll back': 'failed',
    });
    expect(checked.log).toContain('insert, update, remove');
    expect(checked.log + checked.summary).not.toContain('hunter2');
  });
});
