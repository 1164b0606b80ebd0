import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { sharedUri } from '@migration-guard/shared/testing/mongod';
import { listOf, openFixture, type Fixture } from './fixture.ts';

/** A migration tool of a team: knows its address from its environment alone, and does what its argument says. */
const tool = `
import driver from ${JSON.stringify(createRequire(import.meta.url).resolve('mongodb'))};
const client = await new driver.MongoClient(process.env.MONGODB_URI).connect();
const orders = client.db().collection('orders');
const [what] = process.argv.slice(2);
console.log('tool does ' + what + ' on ' + client.db().databaseName);
if (what === 'insert') await orders.insertMany([{ by: 'tool' }, { by: 'tool' }]);
if (what === 'once') await client.db().collection('once').insertOne({ _id: 1 });
if (what === 'fail') { await orders.insertOne({ by: 'tool' }); console.error('tool cannot go on with ' + process.env.MONGODB_URI); process.exit(3); }
if (what === 'slow') { await orders.insertOne({ by: 'tool' }); console.log('tool is slow'); await orders.find({ $where: 'sleep(1000) || true' }).toArray(); }
await client.close();
`;

interface Step {
  readonly name: string;
  readonly does: string;
  readonly more?: string;
}

function configuration(steps: readonly Step[], seeds = ''): string {
  const commands = steps.map(({ name, does, more = '' }) => `    - name: ${name}\n      command: node tool.mjs ${does}\n${more}`);
  return `migrate:\n${steps.length === 0 ? '' : `  commands:\n${commands.join('')}`}${seeds}`;
}

const configFile = '.github/migration-guard.yml';

function openWith(config: string, files: Readonly<Record<string, string>> = {}): Promise<Fixture> {
  return openFixture({ 'tool.mjs': tool, [configFile]: config, ...files });
}

function ordersByTool({ db }: Fixture): Promise<number> {
  return db.collection('orders').countDocuments({ by: 'tool' });
}

async function statesOf({ db }: Fixture, file: string): Promise<readonly string[]> {
  const entries = await db.collection('migration_journal').find({ file }).sort({ fence: 1, step: 1 }).toArray();
  return entries.map(({ state }) => state as string);
}

describe('commands of a tool of the own', () => {
  test('run in their order under lock, journal and rollback point, with the address in a variable, their output in log and report', async () => {
    await using fixture = await openWith(
      configuration([
        { name: 'first', does: 'insert' },
        { name: 'second', does: 'once' },
      ]),
      // Of that tool: not for us.
      { 'migrations/1.js': 'throw new Error("this file is not ours");' },
    );
    const plan = await fixture.migrate('plan');
    expect(listOf(plan.outputs['pending'])).toEqual(['command:first', 'command:second']);
    const step = await fixture.migrate('apply', { 'plan-hash': plan.outputs['plan-hash'] ?? '' });
    expect(step.rawLog).toContain(`│ tool does insert on ${fixture.database}`);
    expect(step.exitCode).toBe(0);
    expect(step.outputs).toMatchObject({ applied: '["command:first","command:second"]', pending: '[]', result: 'passed' });
    expect(step.summary).toContain('orders: 90 → 92 documents');
    expect(step.summary).toContain('new: once (1)');
    expect(step.summary).toContain('All 2 commands are applied');
    expect(await statesOf(fixture, 'command:first')).toEqual(['STARTED', 'APPLIED']);
    expect(step.outputs['rollback-point']).toMatch(/rollback-point\.json$/);
    expect((await fixture.migrate('status')).summary).toMatch(/command:first.*runs with each apply/);
  });

  test('run behind the files where the input migrations names their folder, and not while files are left pending', async () => {
    const file = (n: number): string => `export const up = (db) => db.collection('orders').updateMany({}, { $set: { f${n}: ${n} } });`;
    await using fixture = await openWith(configuration([{ name: 'tool', does: 'insert' }]), {
      'mine/1.mjs': file(1),
      'mine/2.mjs': file(2),
    });
    const part = await fixture.migrate('apply', { migrations: 'mine', steps: '1' });
    expect(part.outputs).toMatchObject({ applied: '["1.mjs"]', pending: '["2.mjs","command:tool"]' });
    const rest = await fixture.migrate('apply', { migrations: 'mine' });
    expect(rest.outputs).toMatchObject({ applied: '["2.mjs","command:tool"]', pending: '[]' });
    expect(rest.summary).toContain('All 1 migration and 1 command are applied');
    expect(await ordersByTool(fixture)).toBe(2);
  });

  test('that fail end the run: what is known, the output, the next step; the next run refuses until it is told', async () => {
    await using fixture = await openWith(
      configuration([
        { name: 'bad', does: 'fail' },
        { name: 'never', does: 'insert' },
      ]),
    );
    const step = await fixture.migrate('apply');
    expect(step.exitCode).toBe(1);
    expect(step.outputs).toMatchObject({ result: 'failed', applied: '[]', pending: '["command:bad","command:never"]' });
    expect(step.rawLog).toContain('migration/command-failed: command:bad ended with exit code 3.');
    expect(step.summary).toContain('tool cannot go on');
    expect(step.summary).toMatch(
      /0 of 2 commands are applied to \S+; how much of command:bad is done is not known \(orders: 90 → 91 documents\)/,
    );
    expect(step.summary).toContain('retry: command:bad');
    expect(await statesOf(fixture, 'command:bad')).toEqual(['STARTED', 'FAILED']);
    expect((await fixture.migrate('status')).summary).toMatch(/command:bad.*half-done/);
    const next = await fixture.migrate('apply');
    expect(next.rawLog).toMatch(/migration\/half-done: command:bad is half-done\. Known: command:bad failed at /);
    await fixture.checkout.write({ [configFile]: configuration([{ name: 'bad', does: 'insert' }]) });
    expect((await fixture.migrate('apply', { retry: 'command:bad' })).outputs).toMatchObject({ applied: '["command:bad"]' });
  });

  test('that are idempotent simply run again', async () => {
    const config = (does: string): string => configuration([{ name: 'tool', does, more: '      idempotent: true\n' }]);
    await using fixture = await openWith(config('fail'));
    expect((await fixture.migrate('apply')).exitCode).toBe(1);
    await fixture.checkout.write({ [configFile]: config('insert') });
    expect((await fixture.migrate('apply')).outputs).toMatchObject({ applied: '["command:tool"]' });
  });

  test('are ended, and their operations on the server, when their time is up', async () => {
    await using fixture = await openWith(configuration([{ name: 'tool', does: 'slow', more: '      timeout: 3s\n' }]));
    const step = await fixture.migrate('apply');
    expect(step.rawLog).toMatch(/run\/timeout: command:tool did not end within its own time limit/);
    expect(await statesOf(fixture, 'command:tool')).toEqual(['STARTED', 'INTERRUPTED']);
    expect(await running(fixture)).toBe(0);
  });

  test('are ended by a cancel in time, with journal, outputs and a free lock', async () => {
    await using fixture = await openWith(configuration([{ name: 'tool', does: 'slow' }]));
    let stop = (): unknown => undefined;
    let cancelledAt = 0;
    const step = await fixture.migrate(
      'apply',
      {},
      {
        onStart: (child) => (stop = () => child.kill('SIGINT')),
        onOutput: (text) => {
          if (!text.includes('tool is slow')) return;
          cancelledAt = performance.now();
          stop();
        },
      },
    );
    expect(performance.now() - cancelledAt).toBeLessThan(6_500);
    expect(step.outputs).toMatchObject({ result: 'failed', applied: '[]', pending: '["command:tool"]' });
    expect(step.rawLog).toContain('run/cancelled');
    expect(await statesOf(fixture, 'command:tool')).toEqual(['STARTED', 'INTERRUPTED']);
    expect((await fixture.migrate('status')).summary).toMatch(/Lock.*free/);
  });

  test('do not outlive a run that is killed -9', async () => {
    await using fixture = await openWith(configuration([{ name: 'tool', does: 'slow' }]));
    let kill = (): unknown => undefined;
    const killed = await fixture.migrate(
      'apply',
      {},
      {
        onStart: (child) => (kill = () => child.kill('SIGKILL')),
        onOutput: (text) => (text.includes('tool is slow') ? kill() : undefined),
      },
    );
    expect(killed.signal).toBe('SIGKILL');
    await fixture.job.runPosts();
    while ((await running(fixture)) > 0) await sleep(50);
    const next = await fixture.migrate('apply');
    expect(next.rawLog).toMatch(/migration\/half-done: command:tool is half-done\. Known: command:tool was started at .*killed/);
  });

  test('can be rolled back by a restore, never by an undo', async () => {
    await using fixture = await openWith(configuration([{ name: 'tool', does: 'insert' }]));
    await fixture.backUp();
    expect((await fixture.migrate('apply', { store: 'backups' })).exitCode).toBe(0);
    const inputs = { mode: 'apply', uri: sharedUri(), database: fixture.database, store: 'backups', conflicts: 'revert' };
    const back = await fixture.job.run('rollback', { inputs });
    expect(back.rawLog).toContain('what command:tool wrote was not recorded');
    expect(back.outputs).toMatchObject({ rung: 'restore-collections', proof: 'equal' });
    expect(await ordersByTool(fixture)).toBe(0);
    expect(await statesOf(fixture, 'command:tool')).toEqual(['STARTED', 'APPLIED', 'ROLLING_BACK', 'ROLLED_BACK']);
  });
});

test('commands and seeds are rehearsed on the copy, and apply takes exactly that plan', async () => {
  const seeds = `  seeds:\n    folder: data/seeds\n`;
  const steps = [
    { name: 'tool', does: 'insert', more: '      rehearse: true\n' },
    { name: 'blind', does: 'once' },
  ];
  await using fixture = await openWith(configuration(steps, seeds), {
    'data/seeds/a.mjs': seed('at'),
    'data/seeds/b.mjs': `export const up = (db) => db.collection('arrivals').insertOne({});`,
  });
  await fixture.backUp();
  const rehearsal = await fixture.migrate('rehearse', { store: 'backups' });
  expect(rehearsal.outputs['result']).toBe('warned');
  expect(rehearsal.rawLog).toContain('│ tool does insert');
  expect(rehearsal.summary).toContain('The command blind did not run on the copy: nothing is known of what it will do.');
  expect(rehearsal.summary).toContain('data/seeds/b.mjs is not repeatable: when it ran for the second time, it added documents again');
  expect(await ordersByTool(fixture)).toBe(0);
  expect(await fixture.db.collection('countries').countDocuments()).toBe(0);
  const applied = await fixture.migrate('apply', { 'require-rehearsal': 'true', store: 'backups' });
  expect(listOf(applied.outputs['applied'])).toEqual(['command:tool', 'command:blind', 'data/seeds/a.mjs', 'data/seeds/b.mjs']);
});

test('a command or a seed that fails on the copy fails the rehearsal', async () => {
  const failing = [{ name: 'tool', does: 'fail', more: '      rehearse: true\n' }];
  await using fixture = await openWith(configuration(failing), {
    'data/seeds/a.mjs': `export const up = async (db) => {\n  await db.collection('arrivals').insertOne({ _id: 1 });\n};`,
  });
  await fixture.backUp();
  const command = await fixture.migrate('rehearse', { store: 'backups' });
  expect(command.outputs['result']).toBe('failed');
  expect(command.summary).toContain('On the copy: command:tool ended with exit code 3.');
  await fixture.checkout.write({
    [configFile]: `migrate:\n  seeds:\n    folder: data/seeds\n`,
    'migrations/1.mjs': 'export const up = () => {};',
  });
  const seeded = await fixture.migrate('rehearse', { store: 'backups' });
  expect(seeded.outputs['result']).toBe('failed');
  expect(seeded.summary).toMatch(/When it ran again: seed of data\/seeds\/a\.mjs line 2 failed/);
});

/** Operations of the slow tool on the server. */
async function running({ connection }: Fixture): Promise<number> {
  const list = await connection.client
    .db('admin')
    .aggregate([{ $currentOp: {} }, { $match: { active: true, 'command.filter.$where': { $exists: true } } }])
    .toArray();
  return list.length;
}

const seed = (country: string): string => `
export const up = (db) => db.collection('countries').updateOne({ _id: '${country}' }, { $inc: { runs: 1 } }, { upsert: true });
`;

describe('seeds', () => {
  const config = (more = ''): string => `migrate:\n  seeds:\n    folder: data/seeds\n${more}`;

  async function runsOf({ db }: Fixture): Promise<Readonly<Record<string, number>>> {
    const found = await db.collection<{ _id: string; runs: number }>('countries').find().sort({ _id: 1 }).toArray();
    return Object.fromEntries(found.map(({ _id, runs }) => [_id, runs]));
  }

  test('run behind the migrations, once for each content; they are in the journal and not in the history', async () => {
    await using fixture = await openFixture({
      'migrations/1.mjs': `export const up = (db) => db.createCollection('countries');`,
      'data/seeds/a.mjs': seed('at'),
      'data/seeds/b.mjs': seed('be'),
      [configFile]: config(),
    });
    const first = await fixture.migrate('apply');
    expect(first.rawLog).not.toContain('##[error]');
    expect(first.outputs).toMatchObject({ applied: '["1.mjs","data/seeds/a.mjs","data/seeds/b.mjs"]', pending: '[]' });
    expect(first.summary).toContain('All 1 migration and 2 seeds are applied');
    expect((await fixture.db.collection('changelog').find().toArray()).map(({ fileName }) => fileName as string)).toEqual(['1.mjs']);
    expect(await statesOf(fixture, 'data/seeds/a.mjs')).toEqual(['STARTED', 'APPLIED']);
    expect((await fixture.migrate('apply')).outputs).toMatchObject({ applied: '[]', pending: '[]' });
    await fixture.checkout.write({ 'data/seeds/b.mjs': `${seed('be')}// changed` });
    expect((await fixture.migrate('apply')).outputs).toMatchObject({ applied: '["data/seeds/b.mjs"]', pending: '[]' });
    expect(await runsOf(fixture)).toEqual({ at: 1, be: 2 });
  });

  test('run each time where that is configured, and never while migrations are left pending', async () => {
    const empty = `export const up = (db) => db.collection('orders').updateMany({}, { $set: { seen: 1 } });`;
    await using fixture = await openFixture({
      'migrations/1.mjs': empty,
      'migrations/2.mjs': empty,
      'data/seeds/a.mjs': seed('at'),
      [configFile]: config('    run: always\n'),
    });
    expect((await fixture.migrate('apply', { steps: '1' })).outputs).toMatchObject({ pending: '["2.mjs","data/seeds/a.mjs"]' });
    expect(await runsOf(fixture)).toEqual({});
    for (const runs of [1, 2]) {
      expect((await fixture.migrate('apply')).exitCode).toBe(0);
      expect(await runsOf(fixture)).toEqual({ at: runs });
    }
  });

  test('that fail are named with their line, leave the migrations applied, and run again', async () => {
    await using fixture = await openFixture({
      'migrations/1.mjs': `export const up = (db) => db.createCollection('countries');`,
      'data/seeds/a.mjs': `export const up = async () => {\n  throw new Error('no such country');\n};`,
      [configFile]: config(),
    });
    const step = await fixture.migrate('apply');
    expect(step.exitCode).toBe(1);
    expect(step.outputs).toMatchObject({ applied: '["1.mjs"]', pending: '["data/seeds/a.mjs"]' });
    expect(step.rawLog).toContain('seed of data/seeds/a.mjs line 2 failed: no such country');
    expect(step.summary).toContain('1 of 1 migrations, 0 of 1 seeds are applied');
    await fixture.checkout.write({ 'data/seeds/a.mjs': seed('at') });
    expect((await fixture.migrate('apply')).outputs).toMatchObject({ applied: '["data/seeds/a.mjs"]', pending: '[]' });
  });

  test('that cannot be loaded stop the run before the first write, and a folder that is not there too', async () => {
    await using fixture = await openFixture({
      'migrations/1.mjs': `export const up = (db) => db.createCollection('countries');`,
      'data/seeds/a.mjs': `export const down = () => {};`,
      [configFile]: config(),
    });
    const step = await fixture.migrate('apply');
    expect(step.rawLog).toMatch(/migration\/load-failed: data\/seeds\/a\.mjs cannot be loaded/);
    expect(await fixture.db.listCollections({ name: 'countries' }).toArray()).toEqual([]);
    await fixture.checkout.write({ [configFile]: config().replace('data/seeds', 'elsewhere') });
    expect((await fixture.migrate('apply')).rawLog).toContain('migration/folder-not-found');
  });

  test('are part of the plan, whether they have run or not', async () => {
    await using fixture = await openFixture({
      'migrations/1.mjs': `export const up = (db) => db.createCollection('countries');`,
      'data/seeds/a.mjs': seed('at'),
      [configFile]: config(),
    });
    const plan = await fixture.migrate('plan');
    expect(plan.summary).toContain('data/seeds/a.mjs');
    await fixture.checkout.write({ 'data/seeds/a.mjs': seed('be') });
    expect((await fixture.migrate('apply', { 'plan-hash': plan.outputs['plan-hash'] ?? '' })).rawLog).toContain('plan/changed');
    expect(await fixture.db.collection('countries').countDocuments()).toBe(0);
  });
});
