import type { ChildProcess } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { rollbackPoint } from '@migration-guard/shared/rollback/point';
import { fillEveryKind } from '@migration-guard/shared/testing/every-kind';
import { differingCollections } from '@migration-guard/shared/testing/truth';
import { asMigration, endLease, held, hookFile, migrateBadly, openShop, stageOf, type Shop } from './fixture.ts';

async function states(shop: Shop): Promise<readonly string[]> {
  const entries = await shop.db.collection('migration_journal').find({ file: '2.js' }).sort({ fence: 1, step: 1 }).toArray();
  return entries.map((entry) => String(entry['state']));
}

function listOf(text: string | undefined): unknown {
  return JSON.parse(text ?? 'null');
}

describe('a rollback', () => {
  test('plans, applies and proves the way back, and then finds nothing to do', async () => {
    await using shop = await openShop();
    await shop.mark(await shop.backUp());
    const before = await shop.truth();
    await migrateBadly(shop.db);
    const bad = await shop.truth();
    const touched = ['changelog', 'created', 'created_view', 'empty', 'open_orders', 'orders', 'users'];
    expect(differingCollections(before, bad)).toEqual(touched);

    const plan = await shop.rollback('plan');
    expect(plan).toMatchObject({ exitCode: 0, outputs: { rung: 'restore-collections', proof: 'none', conflicts: '[]', result: 'passed' } });
    const steps = (await stageOf(plan)).tables
      .find(({ title }) => title === 'Steps of restore-collections')
      ?.rows.map(([kind, collection]) => `${kind} ${collection}`)
      .sort();
    expect(steps).toEqual([
      'drop created',
      'drop created_view',
      ...['changelog', 'empty', 'open_orders', 'orders', 'users'].map((name) => `restore ${name}`),
    ]);
    expect(differingCollections(bad, await shop.truth())).toEqual([]);

    const apply = await shop.rollback('apply');
    expect(apply).toMatchObject({
      exitCode: 0,
      outputs: { rung: 'restore-collections', proof: 'equal', conflicts: '[]', result: 'passed' },
    });
    expect(differingCollections(before, await shop.truth())).toEqual([]);
    expect(await states(shop)).toEqual(['STARTED', 'APPLIED', 'ROLLING_BACK', 'ROLLED_BACK']);
    expect(await shop.db.collection('migration_lock').countDocuments(held)).toBe(0);

    const again = await shop.rollback('apply');
    expect(again).toMatchObject({ exitCode: 0, outputs: { rung: 'none', proof: 'equal' } });
    expect((await stageOf(again)).reason).toContain('There is nothing to roll back');
    expect(await states(shop)).toEqual(['STARTED', 'APPLIED', 'ROLLING_BACK', 'ROLLED_BACK']);
  });

  test('brings back every kind of collection, type, option, index and name', async () => {
    await using shop = await openShop({ fill: fillEveryKind });
    await shop.mark(await shop.backUp());
    const before = await shop.truth();
    const { collections } = (await rollbackPoint.read(shop.point)).census;
    await asMigration(shop.db, async () => {
      for (const { name, type } of collections) {
        if (type === 'view') await shop.db.collection(name).drop();
        else if (type === 'timeseries') await shop.db.collection(name).drop();
        else await shop.db.collection(name).rename(`${name.slice(0, 150)}_renamed`);
      }
    });
    const apply = await shop.rollback('apply');
    expect(apply).toMatchObject({ exitCode: 0, outputs: { proof: 'equal' } });
    expect(differingCollections(before, await shop.truth())).toEqual([]);
  });

  test('finds the newest point in the database when the run folder is gone', async () => {
    await using shop = await openShop();
    await shop.mark(await shop.backUp());
    await rm(shop.point);
    const before = await shop.truth();
    await migrateBadly(shop.db);
    expect(await shop.rollback('apply', { 'rollback-point': '' })).toMatchObject({
      exitCode: 1,
      annotations: [{ message: expect.stringContaining('document/not-found') }],
    });
    expect(await shop.rollback('apply', { 'rollback-point': 'latest' })).toMatchObject({ exitCode: 0, outputs: { proof: 'equal' } });
    expect(differingCollections(before, await shop.truth())).toEqual([]);
  });

  test('restores everything when that is asked for', async () => {
    await using shop = await openShop();
    await shop.mark(await shop.backUp());
    const before = await shop.truth();
    const uuids = async (): Promise<Map<string, string>> =>
      new Map(
        (await shop.db.listCollections({ type: 'collection' }).toArray()).map((info) => [
          info.name,
          String((info as { info?: { uuid?: { toString(): string } } }).info?.uuid),
        ]),
      );
    const untouched = (await uuids()).get('untouched');
    await migrateBadly(shop.db);
    const apply = await shop.rollback('apply', { strategy: 'restore' });
    expect(apply).toMatchObject({ exitCode: 0, outputs: { rung: 'restore', proof: 'equal' } });
    expect(differingCollections(before, await shop.truth())).toEqual([]);
    expect((await uuids()).get('untouched')).not.toBe(untouched);
  });

  test('leaves collections alone that are equal to the point', async () => {
    await using shop = await openShop();
    await shop.mark(await shop.backUp());
    await migrateBadly(shop.db);
    const uuid = async (): Promise<unknown> => (await shop.db.listCollections({ name: 'untouched' }).toArray())[0];
    const before = JSON.stringify(await uuid());
    expect(await shop.rollback('apply')).toMatchObject({ exitCode: 0 });
    expect(JSON.stringify(await uuid())).toBe(before);
  });
});

describe('when something wrote between the backup and the rollback point', () => {
  async function openWrittenShop(): Promise<Shop> {
    const shop = await openShop();
    const backup = await shop.backUp();
    await shop.db.collection('orders').insertOne({ by: 'the application' });
    await shop.mark(backup);
    return shop;
  }

  test('a rollback says so before it touches anything, and refuses', async () => {
    await using shop = await openWrittenShop();
    await migrateBadly(shop.db);
    const bad = await shop.truth();
    const hooks = await hookFile(shop.job);
    const refused = await shop.rollback('apply', { 'stop-command': `echo stop >> ${hooks}` });
    expect(refused).toMatchObject({ exitCode: 1, outputs: { proof: 'none', result: 'failed' } });
    expect(listOf(refused.outputs['conflicts'])).toEqual(['orders']);
    expect(refused.annotations[0]?.message).toContain('rollback/backup-differs');
    expect((await stageOf(refused)).dataState).toBe(`Nothing was changed in ${shop.database}.`);
    expect(differingCollections(bad, await shop.truth())).toEqual([]);
    expect(await readFile(hooks, 'utf8')).toBe('');
    expect(await shop.rollback('plan')).toMatchObject({ exitCode: 1, outputs: { result: 'failed' } });
  });

  test('it goes back to the backup when it is told to, says what is lost, and is done then', async () => {
    await using shop = await openWrittenShop();
    const { orders: _, ...others } = await shop.truth();
    await migrateBadly(shop.db);
    const apply = await shop.rollback('apply', { conflicts: 'revert' });
    expect(apply).toMatchObject({ exitCode: 0, outputs: { proof: 'equal-to-backup', result: 'warned', conflicts: '["orders"]' } });
    expect((await stageOf(apply)).reason).toContain('lost are writes to orders between the backup and the rollback point');
    const after = await shop.truth();
    expect(differingCollections(others, after)).toEqual(['orders']);
    expect(await shop.db.collection('orders').countDocuments()).toBe(90);
    const again = await shop.rollback('apply', { conflicts: 'revert' });
    expect(again).toMatchObject({ exitCode: 0, outputs: { rung: 'none', proof: 'equal-to-backup' } });
  });

  test('it does not matter to collections that the migration left alone', async () => {
    await using shop = await openWrittenShop();
    const before = await shop.truth();
    await asMigration(shop.db, async () => void (await shop.db.collection('users').deleteMany({})));
    expect(await shop.rollback('apply')).toMatchObject({ exitCode: 0, outputs: { proof: 'equal', conflicts: '[]' } });
    expect(differingCollections(before, await shop.truth())).toEqual([]);
  });

  test('a collection that is not in the backup cannot be brought back', async () => {
    await using shop = await openShop();
    const backup = await shop.backUp();
    await shop.db.collection('late').insertOne({ by: 'the application' });
    await shop.mark(backup);
    await asMigration(shop.db, async () => void (await shop.db.collection('late').drop()));
    const refused = await shop.rollback('apply', { conflicts: 'revert' });
    expect(refused).toMatchObject({ exitCode: 1, annotations: [{ message: expect.stringContaining('late') }] });
    expect(refused.annotations[0]?.message).toContain('rollback/backup-differs');
  });
});

describe('without what it needs, a rollback changes nothing', () => {
  test('and says that the point names no backup', async () => {
    await using shop = await openShop();
    await shop.mark(undefined);
    await migrateBadly(shop.db);
    const bad = await shop.truth();
    const refused = await shop.rollback('apply');
    expect(refused).toMatchObject({ exitCode: 1, annotations: [{ message: expect.stringContaining('rollback/no-backup') }] });
    expect(differingCollections(bad, await shop.truth())).toEqual([]);
  });

  test('and takes the backup that the inputs name', async () => {
    await using shop = await openShop();
    const id = await shop.backUp();
    await shop.mark(undefined);
    const before = await shop.truth();
    await migrateBadly(shop.db);
    expect(await shop.rollback('apply', { store: shop.store, 'backup-id': id })).toMatchObject({
      exitCode: 0,
      outputs: { proof: 'equal' },
    });
    expect(differingCollections(before, await shop.truth())).toEqual([]);
  });

  test('and says that the backup is gone', async () => {
    await using shop = await openShop();
    await shop.mark(await shop.backUp());
    await rm(shop.store, { recursive: true });
    await migrateBadly(shop.db);
    const bad = await shop.truth();
    const refused = await shop.rollback('apply');
    expect(refused).toMatchObject({ exitCode: 1, annotations: [{ message: expect.stringContaining('backup/not-found') }] });
    expect(differingCollections(bad, await shop.truth())).toEqual([]);
  });

  test('and refuses the rollback point of another database', async () => {
    await using shop = await openShop();
    await shop.mark(undefined);
    const refused = await shop.rollback('apply', { database: `${shop.database}_2` });
    expect(refused).toMatchObject({ exitCode: 1, annotations: [{ message: expect.stringContaining('rollback/wrong-database') }] });
  });

  test('and waits for no lock longer than it may', async () => {
    await using shop = await openShop();
    await shop.mark(await shop.backUp());
    await migrateBadly(shop.db);
    const expiresAt = new Date(Date.now() + 600_000);
    const held = { owner: 'https://example.org/other', holder: 'x', purpose: 'migrate apply', fence: 7, acquiredAt: new Date(), expiresAt };
    await shop.db.collection<{ _id: string }>('migration_lock').insertOne({ _id: 'migrations', ...held });
    const bad = await shop.truth();
    const refused = await shop.rollback('apply', { 'lock-wait': '0s' });
    expect(refused).toMatchObject({ exitCode: 1, annotations: [{ message: expect.stringContaining('lock/held') }] });
    expect(differingCollections(bad, await shop.truth())).toEqual([]);
  });
});

describe('when the rollback itself fails', () => {
  test('a damaged backup leaves the data as it is, and the report says what to do by hand', async () => {
    await using shop = await openShop();
    const id = await shop.backUp();
    await shop.mark(id);
    await damageFrames(path.join(shop.store, id, 'dump', shop.database));
    await migrateBadly(shop.db);
    const bad = await shop.truth();
    const failed = await shop.rollback('apply', { 'stop-command': 'echo stopped' });
    expect(failed).toMatchObject({ exitCode: 1, outputs: { proof: 'failed', result: 'failed' } });
    const { nextStep, dataState } = await stageOf(failed);
    expect(dataState).toContain('is not back at the rollback point');
    expect(nextStep).toMatch(
      /^\(1\) Leave the application stopped; \(2\) .*run action-rollback again .*action-backup with `mode: restore`.*drop .*created/,
    );
    expect(differingCollections(bad, await shop.truth())).toEqual([]);
    expect(await states(shop)).toEqual(['STARTED', 'APPLIED', 'ROLLING_BACK', 'ROLLING_BACK', 'ROLLBACK_FAILED']);
  });

  test.each([
    ['refused', {}, 'rollback/later-writes', 'none'],
    ['found by the proof, when its writes may be lost', { conflicts: 'revert' }, 'rollback/not-proven', 'failed'],
  ])('a writer that never stops is %s', async (_, inputs: Readonly<Record<string, string>>, code, proof) => {
    await using shop = await openShop();
    await shop.mark(await shop.backUp());
    await migrateBadly(shop.db);
    const test = new AbortController();
    const writers = Array.from({ length: 4 }, () => write(shop, test.signal));
    const failed = await shop.rollback('apply', inputs);
    test.abort();
    await Promise.all(writers);
    expect(failed).toMatchObject({ exitCode: 1, outputs: { proof, conflicts: '["orders"]' } });
    expect(failed.annotations.map(({ message }) => message).join('\n')).toContain(code);
    const { tables } = await stageOf(failed);
    const left = tables.find(({ title }) => title === 'What differed after restore')?.rows[0]?.[0];
    expect(left).toBe(proof === 'failed' ? 'orders' : undefined);
  });

  async function write(shop: Shop, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) await shop.db.collection('orders').insertOne({ by: 'an application that was not stopped' });
  }

  async function damageFrames(folder: string): Promise<void> {
    for (const name of await readdir(folder)) {
      if (!name.startsWith('orders.bson')) continue;
      const bytes = await readFile(path.join(folder, name));
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      await writeFile(path.join(folder, name), bytes);
    }
  }
});

describe('stop and start commands', () => {
  test('run around the rollback, their output in the report, the commands themselves nowhere', async () => {
    await using shop = await openShop();
    await shop.mark(await shop.backUp());
    await migrateBadly(shop.db);
    const hooks = await hookFile(shop.job);
    const apply = await shop.rollback('apply', {
      'stop-command': `echo stopping; echo stop >> ${hooks}; : secret-81`,
      'start-command': `echo starting; echo start >> ${hooks}; : secret-81`,
    });
    expect(apply).toMatchObject({ exitCode: 0, outputs: { proof: 'equal' } });
    expect(await readFile(hooks, 'utf8')).toBe('stop\nstart\n');
    const titles = (await stageOf(apply)).tables.map(({ title, rows }) => `${title.split(',')[0]} ${rows[0]?.[0]}`);
    expect(titles).toEqual(expect.arrayContaining(['stop-command: exit code 0 stopping', 'start-command: exit code 0 starting']));
    expect(apply.rawLog + apply.summary).not.toContain('secret-81');
    await shop.rollback('apply', { 'stop-command': `echo again >> ${hooks}` });
    expect(await readFile(hooks, 'utf8')).toBe('stop\nstart\n');
  });

  test('a failing stop command ends it before anything is touched', async () => {
    await using shop = await openShop();
    await shop.mark(await shop.backUp());
    await migrateBadly(shop.db);
    const bad = await shop.truth();
    const failed = await shop.rollback('apply', { 'stop-command': 'echo no such process; exit 4' });
    expect(failed).toMatchObject({ exitCode: 1, annotations: [{ message: expect.stringContaining('rollback/stop-failed') }] });
    expect((await stageOf(failed)).dataState).toBe(`Nothing was changed in ${shop.database}.`);
    expect(differingCollections(bad, await shop.truth())).toEqual([]);
    expect(await states(shop)).toEqual(['STARTED', 'APPLIED']);
  });

  test('a failing start command is a failure with the data rolled back', async () => {
    await using shop = await openShop();
    await shop.mark(await shop.backUp());
    const before = await shop.truth();
    await migrateBadly(shop.db);
    const failed = await shop.rollback('apply', { 'start-command': 'exit 5' });
    expect(failed).toMatchObject({ exitCode: 1, outputs: { proof: 'equal', result: 'failed' } });
    expect(failed.annotations[0]?.message).toContain('rollback/start-failed');
    expect((await stageOf(failed)).dataState).toContain('equals the rollback point');
    expect(differingCollections(before, await shop.truth())).toEqual([]);
    expect(await states(shop)).toEqual(['STARTED', 'APPLIED', 'ROLLING_BACK', 'ROLLED_BACK']);
  });

  test('are retried as the configuration says', async () => {
    await using shop = await openShop();
    await shop.mark(await shop.backUp());
    await migrateBadly(shop.db);
    const hooks = await hookFile(shop.job);
    const config = path.join(shop.job.workspace, 'guard.yml');
    await writeFile(config, 'rollback:\n  stop: { retries: 3, pause: 10ms, timeout: 20s }\n');
    const command = `echo x >> ${hooks}; test "$(wc -l < ${hooks})" -ge 3`;
    expect(await shop.rollback('apply', { config: 'guard.yml', 'stop-command': command })).toMatchObject({ exitCode: 0 });
    expect(await readFile(hooks, 'utf8')).toBe('x\nx\nx\n');
  });
});

describe('a rollback that is ended from outside', () => {
  test('by cancel during the stop command leaves nothing changed and the lock free', async () => {
    await using shop = await openShop();
    await shop.mark(await shop.backUp());
    await migrateBadly(shop.db);
    const bad = await shop.truth();
    const hooks = await hookFile(shop.job);
    const ended = await shop.rollback(
      'apply',
      { 'stop-command': `echo stop >> ${hooks}; sleep 300` },
      { onStart: (child) => void cancelWhenStopping(child, hooks) },
    );
    expect(ended).toMatchObject({ exitCode: 1, outputs: { result: 'failed' } });
    expect(ended.annotations.map(({ message }) => message).join('\n')).toContain('run/cancelled');
    expect(differingCollections(bad, await shop.truth())).toEqual([]);
    expect(await shop.db.collection('migration_lock').countDocuments(held)).toBe(0);
  });

  async function cancelWhenStopping(child: ChildProcess, hooks: string): Promise<void> {
    while ((await readFile(hooks, 'utf8')) === '') await setTimeout(20);
    child.kill('SIGINT');
  }

  test.each(['Restoring ', 'Restored ', 'Dropping ', 'Proving '])('by a kill at "%s" is finished by the next run', async (moment) => {
    await using shop = await openShop();
    await shop.mark(await shop.backUp());
    const before = await shop.truth();
    await migrateBadly(shop.db);
    let process: ChildProcess | undefined;
    const killed = await shop.rollback(
      'apply',
      {},
      {
        onStart: (child) => (process = child),
        onOutput: (text) => text.includes(moment) && process?.kill('SIGKILL'),
      },
    );
    expect(killed.signal).toBe('SIGKILL');
    await endLease(shop);
    expect(await shop.rollback('apply')).toMatchObject({ exitCode: 0, outputs: { proof: 'equal' } });
    expect(differingCollections(before, await shop.truth())).toEqual([]);
    expect((await shop.db.listCollections().toArray()).filter(({ name }) => name.startsWith('migration_restore_'))).toEqual([]);
    expect((await states(shop)).at(-1)).toBe('ROLLED_BACK');
  });

  test('by a kill after the proof is completed by the next run, which starts the application', async () => {
    await using shop = await openShop();
    await shop.mark(await shop.backUp());
    await migrateBadly(shop.db);
    expect(await shop.rollback('apply')).toMatchObject({ exitCode: 0 });
    await shop.db.collection('migration_journal').deleteMany({ state: 'ROLLED_BACK' });
    const hooks = await hookFile(shop.job);
    const again = await shop.rollback('apply', { 'start-command': `echo start >> ${hooks}` });
    expect(again).toMatchObject({ exitCode: 0, outputs: { rung: 'none', proof: 'equal' } });
    expect(await states(shop)).toEqual(['STARTED', 'APPLIED', 'ROLLING_BACK', 'ROLLED_BACK']);
    expect(await readFile(hooks, 'utf8')).toBe('start\n');
  });
});
