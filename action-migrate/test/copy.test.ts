import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { connect } from '@migration-guard/shared/mongo/connect';
import { Secret } from '@migration-guard/shared/redaction/secret';
import { startMongod } from '@migration-guard/shared/testing/mongod';
import { openFixture, type Fixture } from './fixture.ts';

const good = `
export const up = (db) => db.collection('orders').updateMany({}, { $set: { currency: 'YER' } });
export const down = (db) => db.collection('orders').updateMany({}, { $unset: { currency: '' } });`;

async function copiesOf({ connection, database }: Fixture): Promise<readonly string[]> {
  const { databases } = await connection.client.db('admin').admin().listDatabases({ nameOnly: true });
  return databases.map(({ name }) => name).filter((name) => name.startsWith(`${database}_`));
}

describe('the source', () => {
  test('is only read, by its digests and by its own counters, whatever the migration tries', async () => {
    await using server = await startMongod(
      { kind: 'replica-set', members: 1 },
      { parameters: { disableLogicalSessionCacheRefresh: true, ttlMonitorEnabled: false } },
    );
    await using source = await connect(new Secret(server.uri));
    const database = 'shop';
    const db = source.client.db(database);
    await using fixture = await openFixture({
      'migrations/1.mjs': `import { MongoClient } from 'mongodb';
export const up = async (db) => {
  await db.collection('orders').updateMany({}, { $set: { currency: 'YER' } });
  await new MongoClient(${JSON.stringify(server.uri)}).db('${database}').collection('orders').deleteMany({}).catch(() => undefined);
};
export const down = (db) => db.collection('orders').updateMany({}, { $unset: { currency: '' } });`,
    });
    await db.collection('orders').insertMany(Array.from({ length: 50 }, (_, total) => ({ total })));
    await db.command({ profile: 2 });
    const hash = async (): Promise<unknown> => (await db.command({ dbHash: 1 }))['collections'];
    const writes = async (): Promise<unknown> => {
      const { opcounters, metrics } = await source.client.db('admin').command({ serverStatus: 1 });
      const { insert, update, delete: deleted } = opcounters;
      return { insert, update, deleted, documents: { ...metrics.document, returned: undefined } };
    };
    const before = [await hash(), await writes()];
    const step = await fixture.migrate('rehearse', { uri: server.uri, database });
    expect(step.rawLog).toContain('rehearsal/outside-copy');
    expect([await hash(), await writes()]).toEqual(before);
    await db.command({ profile: 0 });
    const seen = await db.collection('system.profile').distinct('op');
    expect(seen).not.toEqual([]);
    for (const op of seen) expect(['query', 'getmore', 'command']).toContain(op);
    const commands = await db
      .collection('system.profile')
      .aggregate<{ _id: string }>([
        { $match: { op: 'command' } },
        { $group: { _id: { $first: { $objectToArray: '$command' } } } },
        { $group: { _id: '$_id.k' } },
      ])
      .toArray();
    const reading = 'aggregate listCollections listIndexes dbHash dbStats dataSize count find profile collStats'.split(' ');
    for (const { _id } of commands) expect(reading).toContain(_id);
  });

  test('keeps its locks and journals for itself', async () => {
    await using fixture = await openFixture({
      'migrate-mongo-config.cjs': `module.exports = { migrationsDir: 'migrations', changelogCollectionName: 'changelog', lockCollectionName: 'held', migrationFileExtension: '.mjs' };`,
      'migrations/1.mjs': `export const up = async (db) => {
  for (const name of ['migration_lock', 'migration_journal', 'migration_writes', 'migration_reports', 'held'])
    if ((await db.collection(name).countDocuments({ ofTheSource: true })) > 0) throw new Error('the copy holds ' + name);
  await db.collection('orders').updateMany({}, { $set: { currency: 'YER' } });
};
export const down = (db) => db.collection('orders').updateMany({}, { $unset: { currency: '' } });`,
    });
    for (const name of ['migration_lock', 'migration_journal', 'migration_writes', 'migration_reports', 'held'])
      await fixture.db.collection(name).insertOne({ ofTheSource: true });
    await fixture.backUp();
    expect(await fixture.migrate('rehearse', { store: 'backups' })).toMatchObject({ exitCode: 0, outputs: { result: 'passed' } });
  });
});

describe('a fresh backup', () => {
  test.each([
    ['without a store', {}],
    ['where it is asked for', { store: 'backups', 'backup-id': 'fresh' }],
  ])('is taken of the target %s, and is gone afterwards', async (_when, inputs) => {
    await using fixture = await openFixture({ 'migrations/1.mjs': good });
    await fixture.backUp();
    const kept = await readdir(path.join(fixture.checkout.folder, 'backups'));
    await fixture.db.collection<{ _id: number }>('orders').insertOne({ _id: 1_000 });
    const step = await fixture.migrate('rehearse', { ...inputs, 'rehearse-on': 'same-server' });
    expect(step).toMatchObject({ exitCode: 0, outputs: { result: 'passed', pending: '["1.mjs"]' } });
    expect(step.summary).toMatch(/Backup \| fresh/);
    expect(step.summary).toMatch(/orders \| 91 /);
    expect(await readdir(path.join(fixture.checkout.folder, 'backups'))).toEqual(kept);
    expect(await readdir(fixture.job.temp)).toEqual(['migration-guard']);
    expect(await copiesOf(fixture)).toEqual([]);
    expect(await fixture.migrate('apply', { 'require-rehearsal': 'true' })).toMatchObject({
      exitCode: 0,
      outputs: { applied: '["1.mjs"]' },
    });
  });

  test('is not taken when nothing is pending', async () => {
    await using fixture = await openFixture({ 'migrations/1.mjs': good });
    await fixture.migrate('apply');
    const step = await fixture.migrate('rehearse');
    expect(step).toMatchObject({ exitCode: 0, outputs: { result: 'passed', pending: '[]' } });
    expect(step.rawLog).not.toContain('Taking a fresh backup');
  });

  test.each([
    [{ mode: 'apply', 'backup-id': 'fresh' }, 'fresh is for mode rehearse, with uri'],
    [{ mode: 'rehearse', 'backup-id': '20260101T000000Z-abcdef' }, 'is required with backup-id'],
    [{ mode: 'rehearse', uri: '' }, 'is required for mode rehearse, or uri'],
  ])('%j is refused', async (inputs, message) => {
    await using fixture = await openFixture({ 'migrations/1.mjs': good });
    const step = await fixture.migrate('rehearse', inputs);
    expect(step.rawLog).toContain(message);
  });
});

test('another version of the server than that of the source is said', async () => {
  await using fixture = await openFixture({ 'migrations/1.mjs': good });
  await fixture.backUp({ serverVersion: '7.0.24' });
  const step = await fixture.migrate('rehearse', { store: 'backups' });
  expect(step).toMatchObject({ exitCode: 0, outputs: { findings: '1' } });
  expect(step.rawLog).toMatch(/rehearsal\/other-version: The source runs MongoDB 7\.0\.24, the rehearsal ran on \d+\.\d+\.\d+\./);
});

test('a copy on the server is removed after its process was killed', async () => {
  await using fixture = await openFixture({
    'migrations/1.mjs': `export const up = async () => { console.log('now stuck'); await new Promise(() => setInterval(() => {}, 1000)); };`,
  });
  await fixture.backUp();
  let kill = (): unknown => undefined;
  await fixture.migrate(
    'rehearse',
    { store: 'backups', 'rehearse-on': 'same-server' },
    { onStart: (child) => (kill = () => child.kill('SIGKILL')), onOutput: (text) => (text.includes('now stuck') ? kill() : undefined) },
  );
  expect(await copiesOf(fixture)).toEqual([`${fixture.database}_migration_test`]);
  const [post] = await fixture.job.runPosts();
  expect(post?.rawLog).toContain('The step ended without removing its copy');
  expect(await copiesOf(fixture)).toEqual([]);
});
