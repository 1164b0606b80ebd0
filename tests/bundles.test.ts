import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connectShared, sharedUri, uniqueDatabase } from '@migration-guard/shared/testing/mongod';
import { startJob } from '@migration-guard/shared/testing/action-runner';
import { actionFolders, repository } from '../scripts/actions.ts';
import { copyBundles } from './bundles/copy.ts';

const actions = await actionFolders('action.yml');
let away: string;

beforeAll(async () => {
  away = await mkdtemp(path.join(tmpdir(), 'migration-guard-away-'));
  await copyBundles(away);
});

afterAll(async () => {
  await rm(away, { recursive: true, force: true });
});

describe('a bundle copied away from the repository', () => {
  test.each(actions.map(({ name }) => name))('of action-%s starts and tells a wrong input with its code, without a stack', async (name) => {
    await using job = await startJob({ actions: away });
    const result = await job.run(name, { inputs: { 'no-such-input': 'x' } });
    expect(result.exitCode).toBe(1);
    expect(result.annotations).toEqual([expect.objectContaining({ level: 'error', message: expect.stringContaining('input/invalid') })]);
    expect(result.rawLog).not.toMatch(/^\s+at /m);
  });

  test('names no folder of the machine that built it', async () => {
    const files = (await readdir(away, { recursive: true })).filter((file) => file.endsWith('.js'));
    const texts = await Promise.all(files.map((file) => readFile(path.join(away, file), 'utf8')));
    expect(texts.filter((text) => text.includes(repository))).toEqual([]);
  });
});

test('kill -9 during a rehearsal leaves no server and no copy of the data behind', async () => {
  const database = uniqueDatabase('killed');
  await using connection = await connectShared();
  await connection.client.db(database).collection('orders').insertOne({ total: 1 });
  const folder = await mkdtemp(path.join(tmpdir(), 'migration-guard-killed-'));
  try {
    await using job = await startJob({ actions: away, env: { TMPDIR: folder } });
    const migrations = path.join(job.workspace, 'migrations');
    await mkdir(migrations);
    await writeFile(path.join(migrations, '20260101000000-never-ends.cjs'), neverEnds);
    const common = { uri: sharedUri(), database, store: path.join(folder, 'store') };
    await job.run('backup', { inputs: { mode: 'create', ...common } });
    let kill: () => void = () => undefined;
    const result = await job.run('migrate', {
      inputs: { mode: 'rehearse', migrations, ...common },
      onStart: (child) => (kill = () => child.kill('SIGKILL')),
      onOutput: (text) => text.includes('up 20260101000000-never-ends.cjs') && kill(),
    });
    expect(result.signal).toBe('SIGKILL');
    while ((await processesNaming(path.join(folder, 'mongo-mem'))) > 0) await sleep(50);
    while ((await readdir(folder)).some((name) => name.startsWith('mongo-mem'))) await sleep(50);
  } finally {
    await connection.client.db(database).dropDatabase();
    await rm(folder, { recursive: true, force: true });
  }
});

const neverEnds = `
module.exports = {
  up: () => new Promise((resolve) => setTimeout(resolve, 3_600_000)),
  down: async () => {},
};`;

async function processesNaming(text: string): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.startsWith('/') && line.includes(text) && line.includes('mongod')).length;
}
