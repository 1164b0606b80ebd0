import { describe, expect, test } from '@jest/globals';
import { listOf, openFixture } from './fixture.ts';

const insert = (n: number): string =>
  `module.exports = { up: (db) => db.collection('things').insertOne({ n: ${n} }), down: (db) => db.collection('things').deleteOne({ n: ${n} }) };`;
const addStatus = `export class AddUserStatus1697280000000 {
  db;
  constructor(db) { this.db = db; }
  async up() { await this.db.collection('things').insertOne({ n: 1 }); }
  async down() { await this.db.collection('things').deleteOne({ n: 1 }); }
}`;

describe('histories', () => {
  test('a plain history is continued in its own form', async () => {
    await using fixture = await openFixture({ 'migrations/1.js': insert(1), 'migrations/2.js': insert(2) });
    const history = fixture.db.collection('migrations');
    await history.insertOne({ filename: '1.js', executedAt: new Date(0), success: true });
    const step = await fixture.migrate('apply', { history: 'plain' });
    expect(step.outputs).toMatchObject({ applied: '["2.js"]', pending: '[]' });
    expect(await history.find({}, { projection: { _id: 0, executedAt: 0 } }).toArray()).toEqual([
      { filename: '1.js', success: true },
      { filename: '2.js', success: true },
    ]);
    expect(await fixture.db.collection('changelog').countDocuments()).toBe(0);
  });

  test('a file that a plain history holds as failed is half-done, until it is said that it may run again', async () => {
    await using fixture = await openFixture({ 'migrations/1.js': insert(1) });
    await fixture.db.collection('migrations').insertOne({ filename: '1.js', executedAt: new Date(0), success: false });
    const refused = await fixture.migrate('apply', { history: 'plain' });
    expect(refused.rawLog).toMatch(
      /migration\/half-done: .*1\.js failed at 1970-01-01T00:00:00\.000Z by the runner that writes migrations/,
    );
    const step = await fixture.migrate('apply', { history: 'plain', retry: '1.js' });
    expect(step.outputs).toMatchObject({ applied: '["1.js"]' });
    expect(await fixture.db.collection('migrations').findOne({}, { projection: { _id: 0, executedAt: 0 } })).toEqual({
      filename: '1.js',
      success: true,
    });
  });

  test('classes run, and a class history records file, class and time', async () => {
    await using fixture = await openFixture({ 'migrations/1697280000000-AddUserStatus.mjs': addStatus });
    const step = await fixture.migrate('apply', { history: 'class' });
    expect(step.outputs).toMatchObject({ applied: '["1697280000000-AddUserStatus.mjs"]' });
    expect(await fixture.db.collection('migrations_changelog').findOne({}, { projection: { _id: 0 } })).toEqual({
      file: '1697280000000-AddUserStatus.mjs',
      className: 'AddUserStatus1697280000000',
      timestamp: expect.any(Number),
    });
    await fixture.checkout.write({ 'migrations/1697280000000-AddUserStatus.mjs': addStatus.replace('AddUserStatus1697', 'Renamed1697') });
    expect((await fixture.migrate('apply', { history: 'class' })).outputs).toMatchObject({ applied: '[]', pending: '[]' });
  });
});

describe('adopting the history of another tool', () => {
  const files = { 'migrations/20240101-a.js': insert(1), 'migrations/20240102-b.js': insert(2), 'migrations/20240103-c.js': insert(3) };

  test('shows the plan, writes nothing until it is told to, and does it once', async () => {
    await using fixture = await openFixture(files);
    await fixture.db
      .collection('migrations')
      .insertMany([{ migrationName: '20240101-a.js' }, { migrationName: 'b' }, { migrationName: 'gone' }]);
    const inputs = { 'import-from': 'umzug' };
    const shown = await fixture.migrate('import-history', inputs);
    expect(shown.outputs).toMatchObject({ result: 'warned', findings: '1', pending: '["20240103-c.js"]' });
    expect(shown.summary).toContain('gone is applied, and no file has its name');
    expect(shown.summary).toMatch(/20240102-b\.js.*to be taken over/);
    expect(await fixture.db.collection('changelog').countDocuments()).toBe(0);
    const written = await fixture.migrate('import-history', { ...inputs, 'import-write': 'true' });
    expect(written.summary).toMatch(/Taken over from umzug .+: 2 migrations; 1 could not be matched/);
    const records = await fixture.db
      .collection('changelog')
      .find({}, { sort: { fileName: 1 } })
      .toArray();
    expect(records.map((record) => record['fileName'])).toEqual(['20240101-a.js', '20240102-b.js']);
    expect(records.every((record) => record['appliedAt'] instanceof Date)).toBe(true);
    await fixture.migrate('import-history', { ...inputs, 'import-write': 'true' });
    expect(await fixture.db.collection('changelog').countDocuments()).toBe(2);
    const journal = await fixture.db.collection('migration_journal').find({ state: 'MARKED_APPLIED' }).toArray();
    expect(journal).toHaveLength(2);
    expect(journal[0]).toMatchObject({ file: '20240101-a.js', reason: expect.stringContaining('umzug'), actor: expect.any(String) });
    expect((await fixture.migrate('apply')).outputs).toMatchObject({ applied: '["20240103-c.js"]' });
  });

  test('a dirty version of golang-migrate is refused with the way out', async () => {
    await using fixture = await openFixture(files);
    await fixture.db.collection<{ version: number; dirty: boolean }>('schema_migrations').insertOne({ version: 20_240_102, dirty: true });
    const step = await fixture.migrate('import-history', { 'import-from': 'golang-migrate', 'import-write': 'true' });
    expect(step.rawLog).toMatch(/migration\/import-refused: .*version 20240102 is dirty/);
    expect(step.rawLog).toContain('migrate force');
    const nothing = await fixture.migrate('import-history', { 'import-from': 'mongock' });
    expect(nothing.rawLog).toContain('holds no history of mongock');
  });
});

describe('the history of another tool', () => {
  test('that knows pending files as applied keeps them from running a second time, until it is said that they may', async () => {
    await using fixture = await openFixture({
      'migrations/1-a.js': insert(1),
      'migrations/2-b.js': insert(2),
      'migrations/3-c.js': insert(3),
    });
    await fixture.db.collection('migrations').insertMany([
      { filename: '1-a.js', executedAt: new Date(0), success: true },
      { filename: '2-b.js', executedAt: new Date(0), success: true },
    ]);
    for (const mode of ['plan', 'apply']) {
      const refused = await fixture.migrate(mode);
      expect(refused.rawLog).toMatch(
        /migration\/foreign-history: \S+\.changelog holds no migration, but \S+\.migrations \(plain\) says that 1-a\.js and 1 more were applied/,
      );
      expect(refused.rawLog).toContain('`history: plain` and `changelog: migrations`');
    }
    expect((await fixture.migrate('status')).summary).toContain('migrations (plain) says that 1-a.js and 1 more were applied');
    expect(await fixture.db.collection('things').countDocuments()).toBe(0);
    expect((await fixture.migrate('apply', { history: 'plain' })).outputs).toMatchObject({ applied: '["3-c.js"]' });
    await fixture.checkout.write({ '.github/migration-guard.yml': 'migrate:\n  foreign-history: ignore\n' });
    expect((await fixture.migrate('plan')).outputs).toMatchObject({ pending: '["1-a.js","2-b.js","3-c.js"]', result: 'passed' });
  });

  test('that knows none of them is no matter', async () => {
    await using fixture = await openFixture({ 'migrations/1-a.js': insert(1) });
    await fixture.db
      .collection('migrations')
      .insertMany([{ migrationName: '9-z' }, { name: 'other', state: 'up', createdAt: new Date(0) }]);
    await fixture.db.collection<{ version: number; dirty: boolean }>('schema_migrations').insertOne({ version: 9, dirty: false });
    expect((await fixture.migrate('apply')).outputs).toMatchObject({ applied: '["1-a.js"]' });
  });
});

describe('marking as applied', () => {
  test('keeps who and why, runs nothing, and may be repeated', async () => {
    await using fixture = await openFixture({ 'migrations/1.js': insert(1), 'migrations/2.js': insert(2) });
    const inputs = { only: '1', reason: 'done by hand, ticket 42' };
    const step = await fixture.migrate('mark-applied', inputs);
    expect(step.outputs).toMatchObject({ result: 'passed', pending: '["2.js"]', applied: '[]' });
    await fixture.migrate('mark-applied', inputs);
    expect(await fixture.db.collection('things').countDocuments()).toBe(0);
    expect(await fixture.db.collection('changelog').countDocuments({ fileName: '1.js' })).toBe(1);
    const entry = await fixture.db.collection('migration_journal').findOne({ state: 'MARKED_APPLIED' });
    expect(entry).toMatchObject({
      file: '1.js',
      reason: 'done by hand, ticket 42',
      actor: 'octocat',
      run: expect.stringContaining('/runs/'),
    });
    expect((await fixture.migrate('mark-applied', { only: '9.js', reason: 'x' })).rawLog).toContain('migration/not-found');
    expect((await fixture.migrate('mark-applied', { only: '1.js' })).rawLog).toMatch(/reason.*is required for mode mark-applied/);
  });
});

describe('defects of migrate-mongo', () => {
  test('defect 3: when the changelog cannot be written after up, the lock is free and the file does not run again', async () => {
    await using fixture = await openFixture({
      'migrations/1.js': insert(1),
      'migrate-mongo-config.js': `module.exports = { lockCollectionName: 'changelog_lock', lockTtl: 60 };`,
    });
    await fixture.db.createCollection('changelog', { validator: { fileName: { $ne: '1.js' } } });
    const failed = await fixture.migrate('apply');
    expect(failed.outputs).toMatchObject({ result: 'failed', applied: '[]', pending: '["1.js"]' });
    expect(await fixture.db.collection('changelog_lock').countDocuments()).toBe(0);
    await fixture.db.command({ collMod: 'changelog', validator: {} });
    const step = await fixture.migrate('apply');
    expect(step.outputs).toMatchObject({ applied: '["1.js"]', pending: '[]' });
    expect(step.rawLog).toContain('it is recorded now and was not run again');
    expect(await fixture.db.collection('things').countDocuments()).toBe(1);
  });

  test('defect 4: a migration that takes longer than lockTtl keeps the lock', async () => {
    await using fixture = await openFixture({
      'migrations/1.js': `exports.up = async (db) => { console.log('now waiting'); while ((await db.collection('go').countDocuments()) === 0); };`,
      'migrate-mongo-config.js': `module.exports = { lockCollectionName: 'changelog_lock', lockTtl: 2 };`,
    });
    const lock = async (): Promise<number> => {
      const found = await fixture.db.collection('changelog_lock').findOne();
      return (found?.['createdAt'] as Date | undefined)?.getTime() ?? Number.NaN;
    };
    let renewed = Promise.resolve();
    const renewing = async (): Promise<void> => {
      const first = await lock();
      while ((await lock()) < first + 2_000);
      await fixture.db.collection('go').insertOne({});
    };
    const step = await fixture.migrate('apply', {}, { onOutput: (text) => void (text.includes('now waiting') && (renewed = renewing())) });
    await renewed;
    expect(step.outputs).toMatchObject({ applied: '["1.js"]' });
    expect(await fixture.db.collection('changelog_lock').countDocuments()).toBe(0);
  });

  test('defect 6: status shows applied files that are gone from the folder', async () => {
    await using fixture = await openFixture({ 'migrations/2.js': insert(2) });
    await fixture.db.collection('changelog').insertOne({ fileName: '1.js', appliedAt: new Date(0) });
    const step = await fixture.migrate('status');
    expect(step.summary).toMatch(/1\.js.*applied, file missing/);
  });
});

describe('order', () => {
  const names = ['migrations/1-a.js', 'migrations/2-b.js', 'migrations/3-c.js'];
  const files = Object.fromEntries(names.map((name, index) => [name, insert(index)]));

  test('only these files, and those that are left behind are said', async () => {
    await using fixture = await openFixture(files);
    const step = await fixture.migrate('apply', { only: '["2-b", "3-c.js"]', steps: '1' });
    expect(step.outputs).toMatchObject({ result: 'warned', applied: '["2-b.js"]' });
    expect(listOf(step.outputs['pending'])).toEqual(['1-a.js', '3-c.js']);
    expect(step.summary).toContain('1-a.js is left pending before 2-b.js');
  });

  test('late files run by name and reason, never without', async () => {
    await using fixture = await openFixture({ 'migrations/2-b.js': insert(2) });
    await fixture.migrate('apply');
    await fixture.checkout.write(files);
    expect((await fixture.migrate('apply', { 'allow-out-of-order': '3-c.js: not late' })).rawLog).toContain(
      'migration/late: 1-a.js is pending',
    );
    expect((await fixture.migrate('apply', { 'allow-out-of-order': '1-a.js' })).rawLog).toContain(
      'expected a file, a colon and the reason',
    );
    const step = await fixture.migrate('apply', { 'allow-out-of-order': '1-a: merged late, touches nothing of 2' });
    expect(step.outputs).toMatchObject({ applied: '["1-a.js","3-c.js"]' });
    expect(step.summary).toContain('merged late, touches nothing of 2');
  });

  test('a folder without migrations is a warning: most often it is the wrong one', async () => {
    await using fixture = await openFixture({ 'migrations/1.js.disabled': '' });
    for (const mode of ['plan', 'apply']) {
      const step = await fixture.migrate(mode);
      expect(step.outputs).toMatchObject({ result: 'warned', pending: '[]', findings: '1' });
      expect(step.summary).toContain('There is no migration in migrations: no file there ends in .js, .cjs');
    }
  });

  test('edited and missing files fail where the settings say so', async () => {
    await using fixture = await openFixture({
      ...files,
      '.github/migration-guard.yml': 'migrate:\n  edited: fail\n  missing: fail\n',
    });
    await fixture.migrate('apply', { steps: '2' });
    await fixture.checkout.write({ 'migrations/1-a.js': `${insert(0)}\n` });
    expect((await fixture.migrate('plan')).rawLog).toContain('migration/edited: Changed after they were applied: 1-a.js');
    await fixture.db.collection('changelog').insertOne({ fileName: '0-gone.js', appliedAt: new Date(0) });
    await fixture.checkout.write({ 'migrations/1-a.js': insert(0) });
    expect((await fixture.migrate('plan')).rawLog).toContain('migration/missing: 0-gone.js');
    await fixture.checkout.write({ '.github/migration-guard.yml': '{}' });
    await fixture.migrate('apply');
    const nothing = await fixture.migrate('apply');
    expect(nothing.outputs).toMatchObject({ result: 'warned', applied: '[]', findings: '1' });
    expect(nothing.summary).toContain('0-gone.js is applied, but its file is not in the folder any more');
  });
});
