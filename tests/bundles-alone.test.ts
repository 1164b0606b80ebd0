import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Connection } from '@migration-guard/shared/mongo/connect';
import { startJob, type Job, type StepResult } from '@migration-guard/shared/testing/action-runner';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '@migration-guard/shared/testing/mongod';
import { copyBundles } from './bundles/copy.ts';

const good = `
module.exports = {
  async up(db) {
    await db.collection('orders').updateMany({ status: { $exists: false } }, { $set: { status: 'open' } });
    await db.collection('orders').createIndex({ status: 1 }, { name: 'status_1' });
  },
  async down(db) {
    await db.collection('orders').dropIndex('status_1');
    await db.collection('orders').updateMany({ status: 'open' }, { $unset: { status: '' } });
  },
};`;
const bad = `
export const up = async (db) => {
  await db.collection('orders').deleteMany({ total: { $mod: [3, 0] } });
  await db.collection('orders').dropIndex('user_1');
  await db.createCollection('leftovers');
};`;

describe('the bundles alone, with no node_modules near', () => {
  const database = uniqueDatabase('alone');
  let connection: Connection;
  let folder: string;
  let job: Job;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'alone-'));
    await copyBundles(folder);
    job = await startJob({ actions: folder });
    await mkdir(path.join(job.workspace, 'migrations'));
    connection = await connectShared();
    const db = connection.client.db(database);
    await db.collection('orders').insertMany(Array.from({ length: 900 }, (_, index) => ({ total: index, user: index % 7 })));
    await db.collection('orders').createIndex({ user: 1 });
    await db.collection('users').insertMany(Array.from({ length: 7 }, (_, index) => ({ name: `user ${index}` })));
  });

  afterAll(async () => {
    await dropDatabases(connection.client, [database]);
    await connection.client.close();
    await job[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const step = (name: string, inputs: Readonly<Record<string, string>>): Promise<StepResult> =>
    job.run(name, { inputs: { uri: sharedUri(), database, ...inputs } });

  async function passes(name: string, inputs: Readonly<Record<string, string>>): Promise<StepResult> {
    const result = await step(name, inputs);
    expect(`${result.log}\nexit ${result.exitCode}`).toMatch(/exit 0$/);
    return result;
  }

  /** Counted without any code of the product. */
  async function contents(): Promise<Record<string, unknown>> {
    const found: Record<string, unknown> = {};
    for (const { name } of await connection.client.db(database).listCollections().toArray()) {
      if (name.startsWith('migration_')) continue;
      const collection = connection.client.db(database).collection(name);
      const hashes: string[] = [];
      for await (const document of collection.find({}, { raw: true }))
        hashes.push(
          createHash('sha256')
            .update(document as unknown as Uint8Array)
            .digest('hex'),
        );
      const indexes = (await collection.indexes()).map((index) => JSON.stringify(index));
      found[name] = { hashes: hashes.sort(), indexes: indexes.sort() };
    }
    return found;
  }

  test('take a good release through backup, rehearsal, migration and verification', async () => {
    await writeFile(path.join(job.workspace, 'migrations', '20260101000000-status.js'), good);
    const backup = await passes('backup', { mode: 'create', store: 'backups', 'required-collections': 'orders' });
    expect(backup.outputs).toMatchObject({ consistency: 'snapshot', documents: '907', result: 'passed' });
    await passes('backup', { mode: 'verify', store: 'backups' });
    const rehearsal = await passes('migrate', { mode: 'rehearse', store: 'backups' });
    const planHash = rehearsal.outputs['plan-hash'] ?? '';
    expect(planHash).not.toBe('');
    const apply = await passes('migrate', { mode: 'apply', store: 'backups', 'plan-hash': planHash, 'require-rehearsal': 'true' });
    expect(JSON.parse(apply.outputs['applied'] ?? '')).toEqual(['20260101000000-status.js']);
    expect(await connection.client.db(database).collection('orders').countDocuments({ status: 'open' })).toBe(900);
    const verify = await passes('verify', {});
    expect(verify.outputs).toMatchObject({ decision: 'continue', severity: 'none' });
  });

  test('find a bad release in the rehearsal, and put everything back when it was let through', async () => {
    await writeFile(path.join(job.workspace, 'migrations', '20260102000000-cleanup.mjs'), bad);
    await writeFile(
      path.join(job.workspace, 'migrate-mongo-config.js'),
      `module.exports = { migrationFileExtension: '.mjs', mongodb: { url: 'unused' } };`,
    );
    await rm(path.join(job.workspace, 'migrations', '20260101000000-status.js'));
    await connection.client.db(database).collection('changelog').deleteMany({});
    const before = await contents();
    await passes('backup', { mode: 'create', store: 'backups' });
    const rehearsal = await step('migrate', { mode: 'rehearse', store: 'backups' });
    expect(rehearsal).toMatchObject({ exitCode: 1, outputs: { result: 'failed' } });
    expect(rehearsal.log).toMatch(/large-deletion/);
    expect(await contents()).toEqual(before);
    await passes('migrate', { mode: 'apply', store: 'backups' });
    const verify = await step('verify', {});
    expect(verify).toMatchObject({ exitCode: 1, outputs: { decision: 'rollback', reason: expect.stringContaining('data_loss') } });
    const rollback = await passes('rollback', { mode: 'apply' });
    expect(rollback.outputs).toMatchObject({ result: 'passed' });
    expect(await contents()).toEqual(before);
    const again = await passes('rollback', { mode: 'apply' });
    expect(again.log).toMatch(/nothing to/i);
  });

  test('report the whole run', async () => {
    const report = await passes('report', {});
    const page = await readFile(report.outputs['html'] ?? '', 'utf8');
    expect(page).toMatch(/Rolled back, proven/i);
    expect(await connection.client.db(database).collection('migration_reports').countDocuments()).toBe(1);
  });
});
