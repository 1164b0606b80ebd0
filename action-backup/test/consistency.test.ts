import { describe, expect, test } from '@jest/globals';
import { runReport } from '@migration-guard/shared/report/run-report';
import { backupJob, type BackupJob } from './backup-job.ts';

const scene = backupJob('action_consistency', (db) => db.collection('orders').insertMany(Array.from({ length: 100 }, (_, n) => ({ n }))));
const { database, renames } = scene;
const db = () => scene.connection.client.db(database);
const run = (inputs: Record<string, string>): ReturnType<BackupJob['run']> => scene.run({ databases: database, ...inputs });

describe('a backup by the oplog', () => {
  test('is taken, proven by a restore, and restored under another name', async () => {
    const created = await run({ consistency: 'oplog' });
    expect(created).toMatchObject({ exitCode: 0, outputs: { result: 'passed', consistency: 'oplog', proof: 'read' } });
    const restored = await run({ mode: 'restore', ...renames });
    expect(restored).toMatchObject({ exitCode: 0, outputs: { documents: '100', digest: created.outputs['digest'] } });
    expect(restored.rawLog).toContain('of the oplog');
    const { stages } = await runReport.read(created.outputs['run-report'] ?? '');
    expect(stages[0]?.figures.map(({ name }) => name)).toEqual(expect.arrayContaining(['consistency', 'cluster time', 'oplog']));
  });

  test('does not show the time that it does not know', async () => {
    await run({ consistency: 'oplog' });
    const restored = await run({ mode: 'restore', ...renames, 'oplog-limit': '2020-01-01T00:00:00Z' });
    expect(restored.exitCode).toBe(1);
    expect(restored.rawLog).toContain('restore/time-refused');
  });
});

test('a backup by a query is named as a part, and is not the latest', async () => {
  const created = await run({ query: `${database}.orders: {"n": {"$lt": 10}}` });
  expect(created).toMatchObject({ exitCode: 0, outputs: { documents: '10' } });
  const listed = await run({ mode: 'list' });
  expect(JSON.parse(listed.outputs['backups'] ?? '')).toMatchObject([{ partial: true }]);
  const restored = await run({ mode: 'restore', ...renames });
  expect(restored.rawLog).toContain('backup/not-found');
});

test('users and roles are taken and restored when that is asked for, and a backup of hashes is warned of', async () => {
  await db().command({ createRole: 'teller', privileges: [], roles: [] });
  const created = await run({ 'users-and-roles': 'true' });
  expect(created.exitCode).toBe(0);
  await db().command({ dropAllRolesFromDatabase: 1 });
  const { stages } = await runReport.read(created.outputs['run-report'] ?? '');
  expect(stages[0]?.findings.map(({ rule }) => rule)).toContain('backup/password-hashes');
  const restored = await run({ mode: 'restore', ...renames, 'users-and-roles': 'true' });
  expect(restored.rawLog).toContain('Restored 0 users and 1 roles');
  expect((await db().command({ rolesInfo: 1 }))['roles']).toHaveLength(1);
  await db().command({ dropAllRolesFromDatabase: 1 });
});

test.each([
  [{ query: 'orders' }, 'input/invalid'],
  [{ mode: 'restore', 'oplog-limit': 'yesterday' }, 'input/invalid'],
  [{ engine: 'mongodump', query: `${database}.orders: {}` }, 'input/invalid'],
])('%j is one clear error: %s', async (inputs, code) => {
  if ('mode' in inputs) await run({});
  const result = await run(inputs);
  expect(result.exitCode).toBe(1);
  expect(result.rawLog).toContain(code);
});
