import type { ChildProcess } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { runReport } from '@migration-guard/shared/report/run-report';
import { fillEveryKind } from '@migration-guard/shared/testing/every-kind';
import { dropDatabases, uniqueDatabase } from '@migration-guard/shared/testing/mongod';
import { backupJob } from './backup-job.ts';

const scene = backupJob('action_backup', fillEveryKind);
const { database, renames, run } = scene;
const db = () => scene.connection.client.db(database);

const store = (): string => path.join(scene.job.workspace, 'backups');

describe('a backup by the bundle', () => {
  test('is created, verified, listed and restored under another name', async () => {
    const created = await run({ databases: database, 'required-collections': 'types\nindexed' });
    expect(created.rawLog).toContain('Backed up');
    expect(created).toMatchObject({ exitCode: 0, outputs: { result: 'passed', consistency: 'snapshot', proof: 'read' } });
    const id = created.outputs['backup-id'] ?? '';
    expect(created.outputs['backup-path']).toBe(path.join(store(), id));

    const verified = await run({ mode: 'verify', uri: '', 'max-age': '1h' });
    expect(verified).toMatchObject({ exitCode: 0, outputs: { 'backup-id': id, proof: 'read', digest: created.outputs['digest'] } });

    const listed = await run({ mode: 'list', uri: '' });
    expect(JSON.parse(listed.outputs['backups'] ?? '')).toMatchObject([{ id, status: 'committed', proof: 'read' }]);

    const restored = await run({ mode: 'restore', 'backup-id': id, ...renames });
    expect(restored).toMatchObject({ exitCode: 0, outputs: { proof: 'restore', documents: created.outputs['documents'] } });
    expect(await scene.differences()).toEqual([]);
    const { stages } = await runReport.read(restored.outputs['run-report'] ?? '');
    expect(stages.map(({ mode, result }) => [mode, result])).toEqual([
      ['create', 'passed'],
      ['verify', 'passed'],
      ['list', 'passed'],
      ['restore', 'passed'],
    ]);
  });

  test('is proven by a real restore when that is asked for', async () => {
    const created = await run({ databases: database, proof: 'restore' }, { env: { MONGOD_BINARY: process.env['MONGOD_BINARY'] ?? '' } });
    expect(created).toMatchObject({ exitCode: 0, outputs: { proof: 'restore' } });
    expect(created.rawLog).toContain('into a throw-away mongod');
  });

  test('replaces what is there only with drop', async () => {
    const { outputs } = await run({ databases: database, include: 'types' });
    await db().collection('types').insertOne({ more: true });
    const refused = await run({ mode: 'restore', 'backup-id': outputs['backup-id'] ?? '' });
    expect(refused.exitCode).toBe(1);
    expect(refused.rawLog).toContain('restore/target-exists');
    expect(await db().collection('types').countDocuments({ more: true })).toBe(1);
    expect(await run({ mode: 'restore', drop: 'true' })).toMatchObject({ exitCode: 0 });
    expect(await db().collection('types').countDocuments({ more: true })).toBe(0);
  });

  test('that is damaged is not accepted', async () => {
    const { outputs } = await run({ databases: database, include: 'indexed' });
    const file = path.join(outputs['backup-path'] ?? '', 'dump', database, 'indexed.bson.zst');
    const bytes = await readFile(file);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    await writeFile(file, bytes);
    const verified = await run({ mode: 'verify' });
    expect(verified).toMatchObject({ exitCode: 1, outputs: { result: 'failed', proof: 'none' } });
    expect(verified.rawLog).toContain('backup/checksum-mismatch');
  });

  test('that is too old fails the freshness check', async () => {
    await run({ databases: database, include: 'indexed' });
    const verified = await run({ mode: 'verify', 'max-age': '1ms' });
    expect(verified).toMatchObject({ exitCode: 1, outputs: { result: 'failed', proof: 'read' } });
    expect(verified.rawLog).toContain('are allowed');
  });
});

describe('what goes wrong', () => {
  test.each([
    [{ 'required-collections': 'missing' }, 'backup/required-collection'],
    [{ include: 'missing' }, 'backup/nothing-selected'],
    [{ mode: 'verify' }, 'backup/not-found'],
    [{ mode: 'restore', 'backup-id': '20200101T000000Z-000000' }, 'backup/not-found'],
    [{ mode: 'prune' }, 'input/invalid'],
    [{ mode: 'prune', keep: 'yearly: 3' }, 'input/invalid'],
    [{ uri: '' }, 'input/invalid'],
    [{ 'ns-from': 'a.*' }, 'input/invalid'],
    [{ store: 'ftp://host/path' }, 'backup/store-unsupported'],
  ])('%j is one clear error: %s', async (inputs, code) => {
    const result = await run({ databases: database, ...inputs });
    expect(result.exitCode).toBe(1);
    expect(result.annotations.filter(({ level }) => level === 'error')).toEqual([
      expect.objectContaining({ message: expect.stringContaining(code) }),
    ]);
    expect(await readdir(scene.job.workspace)).toEqual([]);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('fault 2: a backup that is cancelled by %s leaves nothing in the store', async (signal) => {
    const many = uniqueDatabase('action_backup_many');
    const documents = Array.from({ length: 20_000 }, (_, n) => ({ n, text: Math.random().toString(36).repeat(200) }));
    await scene.connection.client.db(many).collection('big').insertMany(documents);
    const result = await run({ databases: many, compression: 'gzip' }, { onStart: (child) => void signalWhenStarted(child, signal) });
    await dropDatabases(scene.connection.client, [many]);
    expect(result).toMatchObject({ exitCode: 1, outputs: { result: 'failed' } });
    expect(result.rawLog).toContain('run/cancelled');
    expect(await readdir(store())).toEqual([]);
  });

  test('fault 1: a killed backup does not count, and prune leaves it a day', async () => {
    const killed = await run({ databases: database }, { onStart: (child) => void signalWhenStarted(child, 'SIGKILL') });
    expect(killed.signal).toBe('SIGKILL');
    expect(JSON.parse((await run({ mode: 'list' })).outputs['backups'] ?? '')).toMatchObject([{ status: 'unfinished' }]);
    expect(await run({ mode: 'verify' })).toMatchObject({ exitCode: 1 });
    const pruned = await run({ mode: 'prune', keep: 'last: 1' });
    expect(JSON.parse(pruned.outputs['backups'] ?? '')).toHaveLength(1);
  });
});

/** Sends the signal as soon as the first documents lie in the store. */
async function signalWhenStarted(child: ChildProcess, signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): Promise<void> {
  while (child.exitCode === null) {
    const files = await readdir(store(), { recursive: true }).catch(() => []);
    if (files.some((file) => /\.bson\.(zst|gz)$/.test(file)) && child.kill(signal)) return;
  }
}

test('prune keeps what the rules keep', async () => {
  const ids: string[] = [];
  for (let index = 0; index < 3; index++) ids.push((await run({ databases: database, include: 'types' })).outputs['backup-id'] ?? '');
  const pruned = await run({ mode: 'prune', keep: 'last: 1' });
  expect(pruned.exitCode).toBe(0);
  expect(await readdir(store())).toEqual([ids.toSorted().at(-1)]);
});
