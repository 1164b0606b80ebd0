import { describe, expect, test } from '@jest/globals';
import { openFixture, type Fixture } from './fixture.ts';

const unique = `export const up = (db) => db.collection('orders').createIndex({ total: 1 }, { name: 'by_total', unique: true });
export const down = (db) => db.collection('orders').dropIndex('by_total');`;
const mark = `export const up = (db) => db.collection('orders').updateMany({}, { $set: { seen: true } });
export const down = (db) => db.collection('orders').updateMany({}, { $unset: { seen: '' } });`;
const config = (settings: string): string => `migrate:\n  lint: false\n  rehearsal: ${settings}\n`;

async function rehearsed(file: string, settings = '{}'): Promise<Fixture> {
  const fixture = await openFixture({ 'migrations/1.mjs': file, '.github/migration-guard.yml': config(settings) });
  await fixture.backUp();
  return fixture;
}

const onCopy = { store: 'backups', 'rehearse-on': 'same-server' };

describe('questions to the data', () => {
  test('a duplicate that came after the backup stops apply before its first write', async () => {
    await using fixture = await rehearsed(unique);
    expect(await fixture.migrate('rehearse', onCopy)).toMatchObject({ exitCode: 0 });
    await fixture.db.collection<{ _id: number }>('orders').insertOne({ _id: 1_000, total: 5 } as never);
    const apply = await fixture.migrate('apply', { store: 'backups', 'require-rehearsal': 'true' });
    expect(apply).toMatchObject({ exitCode: 1, outputs: { result: 'failed', applied: '[]', pending: '["1.mjs"]' } });
    expect(apply.log).toContain('Unique index on orders (total): 2 documents share 1 values.');
    expect(await fixture.db.collection('changelog').countDocuments()).toBe(0);
  });

  test('nothing new: apply goes on', async () => {
    await using fixture = await rehearsed(unique);
    await fixture.migrate('rehearse', onCopy);
    const apply = await fixture.migrate('apply', { store: 'backups', 'require-rehearsal': 'true' });
    expect(apply).toMatchObject({ exitCode: 0, outputs: { applied: '["1.mjs"]' } });
    expect(apply.summary).toMatch(/Questions to the data before the first write \| \d, 0 with a finding/);
  });

  test('queries that use an index which is dropped are a warning, weeks before and right before it', async () => {
    await using fixture = await openFixture({
      'migrations/1.mjs': `export const up = (db) => db.collection('orders').dropIndex('by_total');
export const down = (db) => db.collection('orders').createIndex({ total: 1 }, { name: 'by_total' });`,
      '.github/migration-guard.yml': config('{}'),
    });
    await fixture.db.collection('orders').createIndex({ total: 1 }, { name: 'by_total' });
    await fixture.backUp();
    await fixture.db.collection('orders').findOne({ total: 5 });
    const used = /1\.mjs: Dropped index of orders \(by.*total\): queries of this member used by.*total once since/;
    const rehearsal = await fixture.migrate('rehearse', onCopy);
    expect(rehearsal).toMatchObject({ exitCode: 0 });
    expect(rehearsal.summary).toMatch(used);
    const apply = await fixture.migrate('apply', { store: 'backups', 'require-rehearsal': 'true' });
    expect(apply).toMatchObject({ exitCode: 0, outputs: { applied: '["1.mjs"]' } });
    expect(apply.summary).toMatch(used);
  });

  test('a migration that fails on the copy is told why by the data', async () => {
    await using fixture = await openFixture({ 'migrations/1.mjs': unique, '.github/migration-guard.yml': config('{}') });
    await fixture.db.collection<{ _id: number }>('orders').insertOne({ _id: 1_000, total: 5 } as never);
    await fixture.backUp();
    const step = await fixture.migrate('rehearse', onCopy);
    expect(step).toMatchObject({ exitCode: 1, outputs: { result: 'failed' } });
    expect(step.summary).toContain('2 documents share 1 values');
  });
});

describe('the forecast', () => {
  test('tells time, documents and oplog on the target', async () => {
    await using fixture = await rehearsed(mark);
    const step = await fixture.migrate('rehearse', onCopy);
    expect(step.summary).toMatch(/Expected time on the target \| under 1 s/);
    expect(step.summary).toMatch(/Expected documents written \| 90/);
    expect(step.summary).toMatch(/Expected oplog \| .+ of its window/);
  });

  test('fails the rehearsal that breaks a budget', async () => {
    await using fixture = await rehearsed(mark, '{ budget: { documents: 50 } }');
    const step = await fixture.migrate('rehearse', onCopy);
    expect(step).toMatchObject({ exitCode: 1, outputs: { result: 'failed' } });
    expect(step.log).toContain('will write about 90 documents, the budget is 50');
  });
});

describe('what the copy holds', () => {
  test.each(['snapshot', 'oplog'] as const)('is a sample, and masked, and said, of a backup with consistency %s', async (consistency) => {
    await using fixture = await openFixture({
      'migrations/1.mjs': mark,
      '.github/migration-guard.yml': config('{ sample: { documents: 30 }, mask: { rules: { orders.contact: fake } } }'),
    });
    await fixture.db.collection('orders').updateMany({}, { $set: { contact: 'anna@schmidt.de' } });
    await fixture.backUp({ consistency });
    const step = await fixture.migrate('rehearse', onCopy);
    expect(step).toMatchObject({ exitCode: 0 });
    expect(step.summary).toMatch(/Sample \| 30 of 90 documents/);
    expect(step.summary).toMatch(/orders\.contact \| fake \| 30/);
    expect(step.summary).toMatch(/Expected documents written \| 90/);
    expect(`${step.log}${step.summary}`).not.toContain('schmidt');
  });
});
