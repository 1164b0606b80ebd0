import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { runReport } from '@migration-guard/shared/report/run-report';
import { answer, atlasKey, atlasProject, atlasSnapshot, startAtlas } from '@migration-guard/shared/testing/atlas';
import { pbmStandIn } from '@migration-guard/shared/testing/pbm';
import {
  pbmAbsent,
  pbmBackup,
  pbmName,
  pbmRestore,
  pbmRestoreName,
  pbmStarted,
  pbmStatus,
  pbmVersion,
} from '@migration-guard/shared/testing/pbm-answers';
import { stockTool } from '@migration-guard/shared/testing/stock-tools';
import { backupJob } from './backup-job.ts';

const scene = backupJob('engines', async (db) => {
  await db.collection('orders').insertMany([{ n: 1 }, { n: 2 }]);
  await db.collection('orders').createIndex({ n: 1 });
});
const { database, renames, run } = scene;

const manifestOf = async (id: string): Promise<unknown> =>
  JSON.parse(await readFile(path.join(scene.job.workspace, 'backups', id, 'manifest.json'), 'utf8'));

describe('engine: mongodump', () => {
  test('takes a backup like any other, and mongorestore restores it', async () => {
    await stockTool('mongodump', scene.job.temp);
    await stockTool('mongorestore', scene.job.temp);
    const engine = { engine: 'mongodump', 'engine-path': scene.job.temp };
    const created = await run({ databases: database, ...engine });
    expect(created).toMatchObject({ exitCode: 0, outputs: { result: 'passed', consistency: 'quiescent', documents: '2', proof: 'read' } });
    expect(await manifestOf(created.outputs['backup-id'] ?? '')).toMatchObject({ tool: { engine: { name: 'mongodump' } } });
    expect(await run({ mode: 'verify', uri: '' })).toMatchObject({ exitCode: 0, outputs: { digest: created.outputs['digest'] } });
    const restored = await run({ mode: 'restore', ...renames, ...engine });
    expect(restored).toMatchObject({ exitCode: 0, outputs: { digest: created.outputs['digest'], proof: 'restore' } });
    expect(await scene.connection.client.db(scene.copy).collection('orders').countDocuments()).toBe(2);
  });

  test('without mongodump on the runner says so', async () => {
    const result = await run({ databases: database, engine: 'mongodump', 'engine-path': scene.job.temp });
    expect(result.exitCode).toBe(1);
    expect(result.rawLog).toContain('engine/not-found');
  });
});

describe('engine: pbm', () => {
  const answers = {
    version: [pbmVersion],
    status: [pbmStatus()],
    backup: [pbmStarted],
    'describe-backup': [pbmBackup('done')],
    restore: [{ out: { name: pbmRestoreName, snapshot: pbmName } }],
    'describe-restore': [pbmRestore('done')],
    'delete-backup': [{ out: { message: 'done' } }],
  };

  test('takes, lists, checks, restores and removes backups of a sharded cluster', async () => {
    const pbm = await pbmStandIn(scene.job.temp, answers);
    const engine = { engine: 'pbm', 'engine-path': pbm.file };
    const created = await run(engine);
    expect(created).toMatchObject({ exitCode: 0, outputs: { result: 'passed', consistency: 'snapshot', proof: 'none' } });
    expect(created.outputs).not.toHaveProperty('digest');
    const id = created.outputs['backup-id'] ?? '';
    expect(await manifestOf(id)).toMatchObject({
      server: { topology: 'sharded', version: '8.0.12-4' },
      held: { engine: 'pbm', id: pbmName },
    });
    expect(JSON.parse((await run({ mode: 'list', uri: '' })).outputs['backups'] ?? '')).toMatchObject([{ id, status: 'committed' }]);
    expect(await run({ mode: 'verify', 'max-age': '1h', ...engine })).toMatchObject({ exitCode: 0, outputs: { 'backup-id': id } });
    const restored = await run({ mode: 'restore', drop: 'true', ...engine });
    expect(restored).toMatchObject({ exitCode: 0, outputs: { result: 'passed', proof: 'none' } });
    const { stages } = await runReport.read(restored.outputs['run-report'] ?? '');
    expect(stages.at(-1)).toMatchObject({ dataState: expect.stringContaining('by its own word') });
    await run(engine);
    const kept = await run({ mode: 'prune', keep: 'last: 1' });
    expect(JSON.parse(kept.outputs['backups'] ?? '')).toHaveLength(2);
    expect(kept.rawLog).toContain('prune it with `engine: pbm`');
    const pruned = await run({ mode: 'prune', keep: 'last: 1', ...engine });
    expect(JSON.parse(pruned.outputs['backups'] ?? '')).toHaveLength(1);
    expect((await pbm.calls()).map(({ args }) => args[0])).toContain('delete-backup');
  });

  test('a backup that pbm keeps is restored and verified by pbm only', async () => {
    const pbm = await pbmStandIn(scene.job.temp, { ...answers, 'describe-backup': [pbmBackup('done'), pbmAbsent] });
    const created = await run({ engine: 'pbm', 'engine-path': pbm.file });
    const named = { 'backup-id': created.outputs['backup-id'] ?? '' };
    for (const mode of ['verify', 'restore']) {
      const refused = await run({ mode, ...named });
      expect(refused.exitCode).toBe(1);
      expect(refused.rawLog).toContain('backup/held-elsewhere');
    }
    const gone = await run({ mode: 'verify', engine: 'pbm', 'engine-path': pbm.file });
    expect(gone).toMatchObject({ exitCode: 1, outputs: { result: 'failed' } });
    expect(gone.rawLog).toContain('backup/not-found');
  });

  test('that fails leaves no backup', async () => {
    const pbm = await pbmStandIn(scene.job.temp, { ...answers, 'describe-backup': [pbmBackup('error', 'no space left on device')] });
    const failed = await run({ engine: 'pbm', 'engine-path': pbm.file });
    expect(failed.exitCode).toBe(1);
    expect(failed.rawLog).toContain('rs1: no space left on device');
    expect(JSON.parse((await run({ mode: 'list' })).outputs['backups'] ?? '')).toEqual([]);
  });
});

describe('engine: atlas', () => {
  const id = '5f1b3c4d5e6f708192a3b4c5';
  const where = `GET snapshots/shardedCluster/${id}`;
  const begun = { id: '5f1b3c4d5e6f708192a3b4ff' };

  test('takes and restores snapshots, without a connection string', async () => {
    await using service = await startAtlas({
      'POST snapshots': [answer(atlasSnapshot('queued'))],
      [where]: [answer(atlasSnapshot('completed'))],
      'POST restoreJobs': [answer(begun)],
      [`GET restoreJobs/${begun.id}`]: [answer({ ...begun, finishedAt: '2026-11-21T11:00:00Z' })],
    });
    const engine = {
      uri: '',
      engine: 'atlas',
      'atlas-url': service.url,
      'atlas-project': atlasProject,
      'atlas-cluster': 'shop',
      'atlas-key-id': atlasKey.id,
      'atlas-key-secret': atlasKey.secret,
    };
    const created = await run(engine);
    expect(created).toMatchObject({ exitCode: 0, outputs: { consistency: 'snapshot', proof: 'none' } });
    expect(await manifestOf(created.outputs['backup-id'] ?? '')).toMatchObject({ held: { engine: 'atlas', id } });
    expect(await run({ mode: 'restore', drop: 'true', ...engine })).toMatchObject({ exitCode: 0 });
    expect(service.asked).toContain('POST restoreJobs');
    expect(created.log).not.toContain(atlasKey.secret);
    await rm(path.join(scene.job.workspace, 'backups'), { recursive: true });
    const none = await run({ mode: 'verify', ...engine });
    expect(none.rawLog).toContain('backup/not-found');
  });
});

test.each([
  [{ engine: 'atlas' }, 'atlas-project'],
  [{ engine: 'pbm', databases: 'shop' }, 'takes the whole cluster'],
  [{ engine: 'pbm', 'encrypt-to': 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p' }, 'takes the whole cluster'],
  [{ engine: 'pbm', mode: 'restore' }, 'replaces the whole cluster'],
  [{ engine: 'pbm', proof: 'restore' }, 'proof'],
  [{ engine: 'rsync' }, 'engine'],
])('%j is refused before anything is done: %s', async (inputs, words) => {
  const result = await run(inputs);
  expect(result.exitCode).toBe(1);
  expect(result.annotations.map(({ message }) => message).join()).toMatch(new RegExp(`input/invalid.*${words}`, 's'));
});
