import { describe, expect, test } from '@jest/globals';
import { rollbackPoint } from '@migration-guard/shared/rollback/point';
import { sharedUri, startMongod } from '@migration-guard/shared/testing/mongod';
import { listOf, openFixture } from './fixture.ts';

const mark = (field: string): string => `
export const up = async (db) => { await db.collection('orders').updateMany({}, { $set: { ${field}: true } }); };
export const down = async (db) => { await db.collection('orders').updateMany({}, { $unset: { ${field}: '' } }); };
`;
const commonJs = `const { Int32 } = require('mongodb');
module.exports = { up: (db) => db.collection('orders').updateMany({}, { $set: { paid: new Int32(1) } }) };`;
const typeScript = `import type { Db } from 'mongodb';
import { Long } from 'bson';
enum Status { Open = 'open' }
export async function up(db: Db): Promise<void> {
  await db.collection<{ status: Status; big: Long }>('orders').updateMany({}, { $set: { status: Status.Open, big: Long.fromNumber(5) } });
}
`;
/** Inserts one document and then waits for good. */
const stuck = `
exports.up = async (db) => {
  await db.collection('orders').insertOne({ _id: 'half' });
  console.log('now stuck');
  await new Promise(() => setInterval(() => {}, 1000));
};`;

describe('apply', () => {
  test('applies CommonJS, ESM and TypeScript from a checkout without node_modules, and leaves a rollback point', async () => {
    await using fixture = await openFixture({
      'migrations/1.mjs': mark('seen'),
      'migrations/2.js': commonJs,
      'migrations/3.ts': typeScript,
    });
    await fixture.backUp();
    const step = await fixture.migrate('apply', { store: 'backups' });
    expect(step.rawLog).toContain('All 3 migrations are applied');
    expect(step.exitCode).toBe(0);
    expect(step.outputs).toMatchObject({ result: 'passed', applied: '["1.mjs","2.js","3.ts"]', pending: '[]' });
    expect(await fixture.db.collection('orders').findOne({ total: 7 })).toMatchObject({ seen: true, paid: 1, status: 'open', big: 5 });
    const point = await rollbackPoint.read(step.outputs['rollback-point'] ?? '');
    expect(point).toMatchObject({ database: fixture.database, history: [], planned: ['1.mjs', '2.js', '3.ts'] });
    const again = await fixture.migrate('apply');
    expect(again.outputs).toMatchObject({ result: 'passed', applied: '[]', pending: '[]' });
  });

  test('runs up to a file, or a number of files', async () => {
    await using fixture = await openFixture({
      'migrations/1.mjs': mark('a'),
      'migrations/2.mjs': mark('b'),
      'migrations/3.mjs': mark('c'),
    });
    expect((await fixture.migrate('apply', { to: '1.mjs' })).outputs).toMatchObject({ applied: '["1.mjs"]', pending: '["2.mjs","3.mjs"]' });
    expect((await fixture.migrate('apply', { steps: '1' })).outputs).toMatchObject({ applied: '["2.mjs"]', pending: '["3.mjs"]' });
    const wrong = await fixture.migrate('apply', { to: '9.mjs' });
    expect(wrong.exitCode).toBe(1);
    expect(wrong.rawLog).toContain('migration/not-found');
  });

  test('a failing file stops the run: outputs, history, lock, line and next step are right', async () => {
    await using fixture = await openFixture({
      'migrations/1.mjs': mark('a'),
      'migrations/2.mjs': `export const up = async (db) => {\n  await db.collection('orders').deleteOne({ _id: 1 });\n  throw new Error('no such driver');\n};`,
      'migrations/3.mjs': mark('c'),
    });
    const step = await fixture.migrate('apply');
    expect(step.exitCode).toBe(1);
    expect(step.outputs).toMatchObject({ result: 'failed', applied: '["1.mjs"]', pending: '["2.mjs","3.mjs"]' });
    expect(step.annotations).toContainEqual(
      expect.objectContaining({
        message: expect.stringContaining('migration/failed: up of 2.mjs line 3 failed: no such driver. Before that: orders: 1 deleted'),
      }),
    );
    expect(step.summary).toContain('1 of 3 migrations are applied');
    expect(step.summary).toContain(`rollback-point ${step.outputs['rollback-point']}`);
    expect(await fixture.db.collection('changelog').countDocuments()).toBe(1);
    const status = await fixture.migrate('status');
    expect(status.summary).toContain('half-done');
    expect(status.summary).toMatch(/Lock.*free/);
    const next = await fixture.migrate('apply');
    expect(next.rawLog).toMatch(/migration\/half-done.*2\.mjs failed at .* after orders: 1 deleted/);
    await fixture.checkout.write({ 'migrations/2.mjs': mark('b') });
    const retried = await fixture.migrate('apply', { retry: '2.mjs' });
    expect(retried.outputs).toMatchObject({ applied: '["2.mjs","3.mjs"]', pending: '[]' });
  });

  test('a file that cannot be loaded stops the run before the first write', async () => {
    await using fixture = await openFixture({
      'migrations/1.mjs': mark('a'),
      'migrations/2.mjs': `\nimport nothing from 'not-installed';\nexport const up = () => {};`,
      'migrations/3.js': `exports.down = () => {};`,
    });
    const step = await fixture.migrate('apply');
    expect(step.outputs).toMatchObject({ applied: '[]', pending: '["1.mjs","2.mjs","3.js"]', findings: '2' });
    expect(step.rawLog).toContain("migration/load-failed: 2.mjs line 2 cannot be loaded: Cannot find package 'not-installed'");
    expect(step.rawLog).toContain('npm ci');
    expect(await fixture.db.listCollections().toArray()).toHaveLength(1);
  });

  test('refuses a late file with a new name for it', async () => {
    await using fixture = await openFixture({ 'migrations/20240102000000-b.mjs': mark('b') });
    await fixture.migrate('apply');
    await fixture.checkout.write({ 'migrations/20240101000000-a.mjs': mark('a') });
    const step = await fixture.migrate('apply');
    expect(step.rawLog).toMatch(/migration\/late: 20240101000000-a\.mjs is pending, but sorts before 20240102000000-b\.mjs/);
    expect(step.rawLog).toMatch(/Rename 20240101000000-a\.mjs to \d{14}-a\.mjs/);
  });

  test('finds an applied file that was edited: a warning, and where hashes are configured it runs again as with migrate-mongo', async () => {
    await using fixture = await openFixture({ 'migrations/1.js': commonJs });
    await fixture.migrate('apply');
    await fixture.checkout.write({ 'migrations/1.js': `${commonJs}\n`, 'migrations/2.js': commonJs });
    const warned = await fixture.migrate('apply');
    expect(warned.outputs).toMatchObject({ result: 'warned', applied: '["2.js"]' });
    expect(warned.summary).toContain('1.js was changed after it was applied');
    await fixture.checkout.write({ 'migrate-mongo-config.js': 'module.exports = { useFileHash: true };' });
    const again = await fixture.migrate('apply');
    expect(again.outputs).toMatchObject({ result: 'warned', applied: '["1.js"]', pending: '[]' });
    expect(again.summary).toContain('1.js was changed after it was applied. It runs again.');
  });

  test('refuses a plan that was not approved or not rehearsed', async () => {
    await using fixture = await openFixture({ 'migrations/1.mjs': mark('a') });
    const plan = await fixture.migrate('plan');
    expect(plan.outputs['plan-hash']).toMatch(/^[0-9a-f]{64}$/);
    expect((await fixture.migrate('apply', { 'require-rehearsal': 'true' })).rawLog).toContain('plan/not-rehearsed');
    await fixture.checkout.write({ 'migrations/2.mjs': mark('b') });
    expect((await fixture.migrate('apply', { 'plan-hash': plan.outputs['plan-hash'] ?? '' })).rawLog).toContain('plan/changed');
    expect(await fixture.db.collection('changelog').countDocuments()).toBe(0);
  });

  test('ten runners at once apply each file exactly once', async () => {
    await using fixture = await openFixture({
      'migrations/1.js': `exports.up = (db) => db.collection('runs').insertOne({ n: 1 });`,
      'migrations/2.js': `exports.up = (db) => db.collection('runs').insertOne({ n: 2 });`,
    });
    const steps = await Promise.all(Array.from({ length: 10 }, () => fixture.migrate('apply', { 'lock-wait': '60s' })));
    expect(steps.map(({ exitCode }) => exitCode)).toEqual(steps.map(() => 0));
    expect(steps.flatMap(({ outputs }) => listOf(outputs['applied'])).sort()).toEqual(['1.js', '2.js']);
    expect(await fixture.db.collection('runs').countDocuments()).toBe(2);
    expect(await fixture.db.collection('changelog').countDocuments()).toBe(2);
  });

  test('a cancel in the middle of a file ends in time, with journal, outputs and a free lock', async () => {
    await using fixture = await openFixture({ 'migrations/1.js': commonJs, 'migrations/2.js': stuck });
    let cancelledAt = 0;
    let stop = (): unknown => undefined;
    const step = await fixture.migrate(
      'apply',
      {},
      {
        onStart: (child) => (stop = () => child.kill('SIGINT')),
        onOutput: (text) => {
          if (!text.includes('now stuck')) return;
          cancelledAt = performance.now();
          stop();
        },
      },
    );
    expect(performance.now() - cancelledAt).toBeLessThan(6_000);
    expect(step.exitCode).toBe(1);
    expect(step.outputs).toMatchObject({ result: 'failed', applied: '["1.js"]', pending: '["2.js"]' });
    expect(step.rawLog).toContain('run/cancelled');
    const status = await fixture.migrate('status');
    expect(status.summary).toContain('2.js was interrupted');
    expect(status.summary).toMatch(/Lock.*free/);
  });

  test('after a kill -9 the post step frees the lock, and the next run tells what is known and refuses', async () => {
    await using fixture = await openFixture({ 'migrations/1.js': commonJs, 'migrations/2.js': stuck });
    let kill = (): unknown => undefined;
    const killed = await fixture.migrate(
      'apply',
      {},
      {
        onStart: (child) => (kill = () => child.kill('SIGKILL')),
        onOutput: (text) => (text.includes('now stuck') ? kill() : undefined),
      },
    );
    expect(killed.signal).toBe('SIGKILL');
    const held = await fixture.migrate('apply');
    expect(held.rawLog).toMatch(
      /lock\/held: .* is held by https:\/\/github\.com\/octo\/shop\/actions\/runs\/4711\S* \(migrate apply\) until \d{4}/,
    );
    const posts = await fixture.job.runPosts();
    expect(posts.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    const next = await fixture.migrate('apply');
    expect(next.rawLog).toMatch(/migration\/half-done: 2\.js is half-done\. Known: 2\.js was started at .*killed/);
    expect(next.rawLog).toContain('set `retry: 2.js`');
    expect(next.outputs).toMatchObject({ applied: '[]', pending: '["2.js"]' });
    await fixture.checkout.write({ 'migrations/2.js': commonJs });
    expect((await fixture.migrate('apply', { retry: '2.js' })).outputs).toMatchObject({ applied: '["2.js"]', pending: '[]' });
  });

  test('a file that had ended when its run was killed is recorded and not run again', async () => {
    await using fixture = await openFixture({ 'migrations/1.js': commonJs });
    const entry = { file: '1.js', hash: '0'.repeat(64), at: new Date(), run: 'https://github.com/octo/shop/actions/runs/1', fence: 0 };
    await fixture.db.collection('migration_journal').insertMany([
      { ...entry, state: 'STARTED', step: 1 },
      { ...entry, state: 'FINISHED', step: 2 },
    ]);
    const step = await fixture.migrate('apply');
    expect(step.outputs).toMatchObject({ applied: '["1.js"]', pending: '[]' });
    expect(await fixture.db.collection('changelog').countDocuments({ fileName: '1.js' })).toBe(1);
    expect(await fixture.db.collection('orders').countDocuments({ paid: 1 })).toBe(0);
  });

  test('a file that says it is idempotent runs again after a kill', async () => {
    await using fixture = await openFixture({
      'migrations/1.js': `exports.idempotent = true;\n${commonJs.replace('module.exports = { up:', 'exports.up =').replace(/ };$/, ';')}`,
    });
    const entry = { file: '1.js', at: new Date(), run: 'https://github.com/octo/shop/actions/runs/1', fence: 0 };
    await fixture.db.collection('migration_journal').insertOne({ ...entry, state: 'STARTED', step: 1 });
    expect((await fixture.migrate('apply')).outputs).toMatchObject({ applied: '["1.js"]', pending: '[]' });
  });

  test("keeps a stock migrate-mongo's lock, and refuses while one is held", async () => {
    await using fixture = await openFixture({
      'migrations/1.js': commonJs,
      'migrate-mongo-config.js': `module.exports = { lockCollectionName: 'changelog_lock', lockTtl: 60 };`,
    });
    const { insertedId } = await fixture.db.collection('changelog_lock').insertOne({ createdAt: new Date() });
    expect((await fixture.migrate('apply')).rawLog).toContain('lock/held: A migrate-mongo run holds its lock');
    await fixture.db.collection('changelog_lock').deleteOne({ _id: insertedId });
    expect((await fixture.migrate('apply')).outputs).toMatchObject({ applied: '["1.js"]' });
    expect(await fixture.db.collection('changelog_lock').countDocuments()).toBe(0);
  });

  test('a file that changed nothing is said, and does not warn', async () => {
    await using fixture = await openFixture({ 'migrations/1.mjs': `export const up = async () => {};` });
    const step = await fixture.migrate('apply');
    expect(step.outputs).toMatchObject({ result: 'passed', applied: '["1.mjs"]' });
    expect(step.summary).toContain('1.mjs: applied, 0 documents changed.');
  });

  test('each file has a time limit of its own', async () => {
    await using fixture = await openFixture({ 'migrations/1.mjs': mark('a'), 'migrations/2.js': stuck });
    const step = await fixture.migrate('apply', { 'file-timeout': '3s' });
    expect(step.outputs).toMatchObject({ result: 'failed', applied: '["1.mjs"]', pending: '["2.js"]' });
    expect(step.rawLog).toContain('run/timeout: 2.js did not end within the time limit of a file');
    expect(step.summary).toContain('2.js is half-done (orders: 1 inserted)');
  });

  test('says beforehand that a standalone server has no transactions', async () => {
    await using server = await startMongod({ kind: 'standalone' });
    await using fixture = await openFixture({ 'migrations/1.mjs': mark('a') });
    const refused = await fixture.migrate('apply', { uri: server.uri, transaction: 'per-file' });
    expect(refused.rawLog).toContain('migration/no-transactions: 1.mjs would run in a transaction, but the server is a standalone.');
    expect(refused.outputs).toMatchObject({ applied: '[]', pending: '["1.mjs"]' });
    expect((await fixture.migrate('apply', { uri: server.uri })).outputs).toMatchObject({ applied: '["1.mjs"]', pending: '[]' });
  });

  test('prepares no undo where the settings say so: the way back is another one', async () => {
    await using fixture = await openFixture({
      'migrations/1.mjs': `export const up = (db) => db.collection('orders').updateMany({}, { $set: { seen: true } });`,
      '.github/migration-guard.yml': 'migrate:\n  undo: false\n',
    });
    await fixture.backUp();
    const step = await fixture.migrate('apply', { store: 'backups' });
    expect(step.summary).toMatch(/Undo \| not prepared: .*undo: false/);
    expect(await fixture.db.collection('migration_writes').countDocuments()).toBe(0);
    const inputs = { mode: 'apply', uri: sharedUri(), database: fixture.database, store: 'backups', conflicts: 'fail' };
    const back = await fixture.job.run('rollback', { inputs });
    expect(back.rawLog).toContain('what 1.mjs wrote was not recorded');
    expect(back.outputs).toMatchObject({ rung: 'restore-collections', proof: 'equal' });
    expect(await fixture.db.collection('orders').countDocuments({ seen: true })).toBe(0);
  });

  test('refuses to reach a remote server for a comment', async () => {
    await using fixture = await openFixture({ 'migrations/1.js': commonJs }, { eventName: 'issue_comment' });
    const step = await fixture.migrate('apply', { uri: 'mongodb://db.example.net/' });
    expect(step.rawLog).toContain('target/untrusted-event');
  });
});
