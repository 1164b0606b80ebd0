import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Crc64 } from '@migration-guard/shared/backup/stock/crc64';
import type { Connection } from '@migration-guard/shared/mongo/connect';
import { runReport } from '@migration-guard/shared/report/run-report';
import { startJob, type Job, type StepResult } from '@migration-guard/shared/testing/action-runner';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '@migration-guard/shared/testing/mongod';
import { stockArchive } from '@migration-guard/shared/testing/stock-archive';
import { BSON } from 'mongodb';

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

  test('has its users restored when that is asked for, and told otherwise', async () => {
    const db = connection.client.db(database);
    await db.command({ createUser: 'app', pwd: 'p', roles: [] });
    const users = await connection.client.db('admin').collection('system.users').find({ db: database }, { promoteValues: false }).toArray();
    await db.command({ dropAllUsersFromDatabase: 1 });
    const crc = new Crc64();
    for (const user of users) crc.update(Buffer.from(BSON.serialize(user)));
    const accounts = { db: database, collection: '$admin.system.users' };
    const blocks = [
      { ...collection, crc: 0n },
      { ...accounts, documents: users },
      { ...accounts, crc: crc.value() },
    ];
    await writeFile(path.join(job.workspace, 'shop.archive'), stockArchive([collection, accounts], blocks));
    const without = await run({ mode: 'restore' });
    const { stages } = await runReport.read(without.outputs['run-report'] ?? '');
    expect(stages[0]?.findings.map(({ message }) => message)).toEqual([expect.stringContaining('$admin.system.users')]);
    expect((await db.command({ usersInfo: 1 }))['users']).toEqual([]);
    const restored = await run({ mode: 'restore', drop: 'true', 'users-and-roles': 'true' });
    expect(restored.rawLog).toContain('Restored 1 users and 0 roles');
    expect((await db.command({ usersInfo: 1 }))['users']).toMatchObject([{ user: 'app' }]);
    await db.command({ dropAllUsersFromDatabase: 1 });
    await writeFile(path.join(job.workspace, 'shop.archive'), archive);
    expect((await run({ mode: 'restore', drop: 'true', 'users-and-roles': 'true' })).rawLog).toContain('restore/no-accounts');
  });

  test('that is cut off is refused, and nothing is restored', async () => {
    await writeFile(path.join(job.workspace, 'shop.archive'), archive.subarray(0, -30));
    const result = await run({ mode: 'restore' });
    expect(result.exitCode).toBe(1);
    expect(result.rawLog).toMatch(/dump\/incomplete/);
    expect(await connection.client.db(database).listCollections().toArray()).toEqual([]);
  });
});
