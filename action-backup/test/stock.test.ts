import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Connection } from '@migration-guard/shared/mongo/connect';
import { runReport } from '@migration-guard/shared/report/run-report';
import { startJob, type Job, type StepResult } from '@migration-guard/shared/testing/action-runner';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '@migration-guard/shared/testing/mongod';
import { stockArchive } from '@migration-guard/shared/testing/stock-archive';

const database = uniqueDatabase('action_stock');
const collection = { db: database, collection: 'empty' };
/** The checksum of no bytes is 0. */
const archive = stockArchive(
  [{ ...collection, metadata: '{"options":{"capped":true,"size":{"$numberInt":"4096"}},"indexes":[]}' }],
  [{ ...collection, crc: 0n }],
);
let connection: Connection;
let job: Job;

beforeAll(async () => {
  connection = await connectShared();
});

beforeEach(async () => {
  job = await startJob();
  await writeFile(path.join(job.workspace, 'shop.archive'), archive);
});

afterEach(async () => {
  await job[Symbol.asyncDispose]();
  await dropDatabases(connection.client, [database]);
});

afterAll(() => connection.client.close());

const run = (inputs: Record<string, string>): Promise<StepResult> =>
  job.run('backup', { inputs: { uri: sharedUri(), store: 'shop.archive', ...inputs } });

describe('an archive of mongodump as the store', () => {
  test('is verified, and restored', async () => {
    const verified = await run({ mode: 'verify', uri: '' });
    expect(verified).toMatchObject({ exitCode: 0, outputs: { proof: 'read', documents: '0' } });
    const restored = await run({ mode: 'restore' });
    expect(restored).toMatchObject({ exitCode: 0, outputs: { proof: 'restore', 'backup-path': path.join(job.workspace, 'shop.archive') } });
    expect(await connection.client.db(database).listCollections().next()).toMatchObject({ options: { capped: true, size: 4096 } });
    const { stages } = await runReport.read(restored.outputs['run-report'] ?? '');
    expect(stages.map(({ mode, result }) => [mode, result])).toEqual([
      ['verify', 'passed'],
      ['restore', 'passed'],
    ]);
  });

  test.each([
    [{ mode: 'restore', 'backup-id': '20260802T142530Z-3f9c1b' }, 'backup/not-found'],
    [{ mode: 'verify', 'required-collections': 'empty' }, 'backup/required-collection'],
    [{ mode: 'verify', proof: 'restore' }, 'input/invalid'],
    [{ mode: 'verify', 'max-age': '1h' }, 'input/invalid'],
  ])('%j: %s', async (inputs, code) => {
    const result = await run(inputs);
    expect(result).toMatchObject({ exitCode: 1, outputs: { result: 'failed' } });
    expect(result.rawLog).toContain(code);
  });

  test('that is cut off is refused, and nothing is restored', async () => {
    await writeFile(path.join(job.workspace, 'shop.archive'), archive.subarray(0, -30));
    const result = await run({ mode: 'restore' });
    expect(result.exitCode).toBe(1);
    expect(result.rawLog).toMatch(/dump\/incomplete/);
    expect(await connection.client.db(database).listCollections().toArray()).toEqual([]);
  });
});
