import { rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { connectShared, sharedUri, uniqueDatabase } from '@migration-guard/shared/testing/mongod';
import { census, differs } from './truth.ts';
import { openFixture, type Fixture } from './fixture.ts';

const good = `
export const up = async (db) => {
  await db.collection('orders').updateMany({}, { $set: { currency: 'YER' } });
  await db.collection('orders').createIndex({ total: 1 });
};
export const down = async (db) => {
  await db.collection('orders').dropIndex('total_1');
  await db.collection('orders').updateMany({}, { $unset: { currency: '' } });
};`;

const mark = `export const up = (db) => db.collection('orders').updateMany({}, { $set: { marked: true } });`;

async function rehearse(files: Readonly<Record<string, string>>, inputs: Readonly<Record<string, string>> = {}) {
  await using fixture = await openFixture(files);
  const backup = await fixture.backUp();
  const before = await census(fixture.db);
  const step = await fixture.migrate('rehearse', { store: 'backups', 'backup-id': backup, 'rehearse-on': 'same-server', ...inputs });
  expect(differs(before, await census(fixture.db))).toEqual([]);
  expect(await copies(fixture)).toEqual([]);
  return step;
}

async function copies({ connection, database }: Fixture): Promise<readonly string[]> {
  const { databases } = await connection.client.db('admin').admin().listDatabases({ nameOnly: true });
  return databases.map(({ name }) => name).filter((name) => name.startsWith(`${database}_`));
}

describe('rehearse', () => {
  test.each(['ephemeral', 'same-server'])('proves a good migration on a copy (%s), and apply takes exactly that plan', async (place) => {
    await using fixture = await openFixture({ 'migrations/1.mjs': good });
    const backup = await fixture.backUp();
    const before = await census(fixture.db);
    const step = await fixture.migrate('rehearse', { store: 'backups', 'backup-id': backup, 'rehearse-on': place });
    expect(step.rawLog).toContain('1 migration was proven');
    expect(step).toMatchObject({ exitCode: 0, outputs: { result: 'passed', findings: '0', applied: '[]', pending: '["1.mjs"]' } });
    expect(step.summary).toContain('index total\\_1 added');
    expect(step.summary).toContain(backup);
    expect(differs(before, await census(fixture.db))).toEqual([]);
    expect(await copies(fixture)).toEqual([]);
    const applied = await fixture.migrate('apply', {
      'require-rehearsal': 'true',
      'plan-hash': step.outputs['plan-hash'] ?? '',
      store: 'backups',
      'backup-id': backup,
    });
    expect(applied.outputs).toMatchObject({ result: 'passed', applied: '["1.mjs"]' });
  });

  test('a copy on another server is removed too', async () => {
    const uri = new URL(sharedUri());
    uri.pathname = uniqueDatabase('copy');
    const step = await rehearse({ 'migrations/1.mjs': good }, { 'rehearse-on': uri.href });
    expect(step.outputs).toMatchObject({ result: 'passed' });
    await using connection = await connectShared();
    const { databases } = await connection.client.db('admin').admin().listDatabases({ nameOnly: true });
    expect(databases.map(({ name }) => name)).not.toContain(uri.pathname.slice(1));
  });

  test('a migration that deletes a third of a collection has failed, and apply refuses its plan', async () => {
    await using fixture = await openFixture({
      'migrations/1.mjs': `export const up = (db) => db.collection('orders').deleteMany({ _id: { $lt: 30 } });\nexport const down = async () => {};`,
    });
    const step = await fixture.migrate('rehearse', { store: 'backups', 'backup-id': await fixture.backUp() });
    expect(step).toMatchObject({ exitCode: 1, outputs: { result: 'failed' } });
    expect(step.summary).toContain('1.mjs removes 30 of 90 documents of orders (33 %, allowed are 10 %)');
    expect(step.rawLog).toContain('rehearsal/down-not-exact');
    expect((await fixture.migrate('apply', { 'require-rehearsal': 'true' })).rawLog).toContain('plan/not-rehearsed');
    expect(await fixture.db.collection('orders').countDocuments()).toBe(90);
  });

  test('a loss that is expected by the configuration passes', async () => {
    const step = await rehearse({
      'migrations/1.mjs': `let kept;\nexport const up = async (db) => { kept = await db.collection('orders').find({ _id: { $lt: 30 } }).toArray(); await db.collection('orders').deleteMany({ _id: { $lt: 30 } }); };\nexport const down = (db) => db.collection('orders').insertMany(kept);`,
      '.github/migration-guard.yml': 'migrate:\n  rehearsal:\n    expected-loss-percent:\n      orders: 40\n',
    });
    expect(step.outputs).toMatchObject({ result: 'passed' });
  });

  test('the checks of the section verify must hold after the last up', async () => {
    const verify = (type: string): string => `verify:
  required-fields: [{ collection: orders, field: currency, type: ${type} }]
  queries: [{ name: all of them, collection: orders, exactly: 90 }]
  counts: {}
`;
    const step = await rehearse({ 'migrations/1.mjs': good, '.github/migration-guard.yml': verify('string') });
    expect(step.outputs).toMatchObject({ result: 'passed', findings: '0' });
    expect(step.summary).toContain('2 passed, 0 failed');
    const failed = await rehearse({ 'migrations/1.mjs': good, '.github/migration-guard.yml': verify('int') });
    expect(failed.outputs).toMatchObject({ result: 'failed', findings: '1' });
    expect(failed.rawLog).toContain('After the last up, orders.currency: expected');
    const wrong = await rehearse({
      'migrations/1.mjs': good,
      '.github/migration-guard.yml': 'verify:\n  unique: [{ collection: orders }]\n',
    });
    expect(wrong.rawLog).toMatch(/config\/invalid: unique\.0\.fields .*migration-guard\.yml:2/);
  });

  test('a lying down has failed', async () => {
    const step = await rehearse({
      'migrations/1.mjs': `export const up = (db) => db.collection('orders').updateMany({}, { $set: { total: 1 } });\nexport const down = async () => {};`,
    });
    expect(step.outputs).toMatchObject({ result: 'failed', findings: '1' });
    expect(step.rawLog).toContain(
      'After down of 1.mjs the data is not what it was before up: orders: documents 89 changed: total another value in 89, for example _id 0, 2, 3, 4, 5',
    );
  });

  test('a missing down is a warning, and the files after it are still taken back', async () => {
    const step = await rehearse({
      'migrations/1.mjs': `export const up = (db) => db.collection('orders').updateMany({}, { $set: { total: 1 } });`,
      'migrations/2.mjs': good,
    });
    expect(step.outputs).toMatchObject({ result: 'warned', findings: '1' });
    expect(step.rawLog).toContain('rehearsal/down-missing');
    expect(step.summary).toMatch(/2\.mjs \| [\d.]+ s \| [\d.]+ s \| [\d.]+ s/);
  });

  test.each([
    [
      'fails on real data',
      `export const up = async (db) => {\n  await db.collection('orders').createIndex({ kind: 1 }, { unique: true });\n};`,
      'rehearsal/up-failed',
    ],
    [
      'has a down that fails',
      `export const up = (db) => db.collection('orders').updateMany({}, { $set: { a: 1 } });\nexport const down = () => { throw new Error('no'); };`,
      'rehearsal/down-failed',
    ],
    [
      'cannot be repeated',
      `let runs = 0;\nexport const up = (db) => db.collection('orders').insertMany(Array.from({ length: ++runs }, (_, n) => ({ _id: 1000 + n })));\nexport const down = (db) => db.collection('orders').deleteMany({ _id: { $gte: 1000 } });`,
      'rehearsal/not-repeatable',
    ],
  ])('a migration that %s has failed', async (_what, source, rule) => {
    const step = await rehearse({ 'migrations/1.mjs': source });
    expect(step.outputs).toMatchObject({ result: 'failed' });
    expect(step.rawLog).toContain(rule);
  });

  test('a migration that removes the history has failed', async () => {
    const step = await rehearse({
      'migrations/1.mjs': good,
      'migrations/2.mjs': `export const up = (db) => db.collection('changelog').drop();\nexport const down = async () => {};`,
    });
    expect(step.outputs).toMatchObject({ result: 'failed' });
    expect(step.rawLog).toContain('rehearsal/history-lost: 1.mjs ran');
  });

  test('a migration that changes nothing is said', async () => {
    const step = await rehearse({ 'migrations/1.mjs': `export const up = async () => {};\nexport const down = async () => {};` });
    expect(step.outputs).toMatchObject({ result: 'warned', findings: '1' });
    expect(step.rawLog).toContain('rehearsal/changed-nothing');
  });

  test('a cancel removes the copy', async () => {
    await using fixture = await openFixture({
      'migrations/1.mjs': `export const up = async () => { console.log('now stuck'); await new Promise(() => setInterval(() => {}, 1000)); };`,
    });
    const backup = await fixture.backUp();
    let stop = (): unknown => undefined;
    const step = await fixture.migrate(
      'rehearse',
      { store: 'backups', 'backup-id': backup, 'rehearse-on': 'same-server' },
      {
        onStart: (child) => (stop = () => child.kill('SIGINT')),
        onOutput: (text) => (text.includes('now stuck') ? stop() : undefined),
      },
    );
    expect(step.rawLog).toContain('run/cancelled');
    expect(await copies(fixture)).toEqual([]);
  });

  test('a database that is not the copy of a rehearsal is left alone', async () => {
    await using fixture = await openFixture({ 'migrations/1.mjs': good });
    const backup = await fixture.backUp();
    const other = fixture.connection.client.db(`${fixture.database}_migration_test`);
    await other.collection('mine').insertOne({});
    const step = await fixture.migrate('rehearse', { store: 'backups', 'backup-id': backup, 'rehearse-on': 'same-server' });
    expect(step.rawLog).toContain('rehearsal/copy-exists');
    expect(await other.collection('mine').countDocuments()).toBe(1);
    await other.dropDatabase();
  });

  test('where nothing is pending no copy is made, and what is wrong with the applied files is told all the same', async () => {
    await using fixture = await openFixture({ 'migrations/1.mjs': good, 'migrations/2.mjs': mark });
    await fixture.migrate('apply');
    const backup = await fixture.backUp();
    await rm(path.join(fixture.checkout.folder, 'migrations/2.mjs'));
    const step = await fixture.migrate('rehearse', { store: 'backups', 'backup-id': backup });
    expect(step).toMatchObject({ exitCode: 0, outputs: { result: 'warned', findings: '1', pending: '[]' } });
    expect(step.rawLog).toContain('2.mjs is applied, but its file is not in the folder any more');
    expect(step.rawLog).not.toContain('Starting a server');
    expect(step.summary).toContain('no migration is pending, and no copy was made');
    const again = await fixture.migrate('apply', { 'require-rehearsal': 'true', 'plan-hash': step.outputs['plan-hash'] ?? '' });
    expect(again.outputs).toMatchObject({ applied: '[]', pending: '[]' });
  });

  test('a store without a backup of the database is refused', async () => {
    await using fixture = await openFixture({ 'migrations/1.mjs': good });
    const other = await fixture.migrate('rehearse', { store: 'backups', 'backup-id': await fixture.backUp(), database: 'another' });
    expect(other.rawLog).toContain('rehearsal/no-backup');
  });
});
