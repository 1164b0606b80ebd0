import { expect, test } from '@jest/globals';
import { sharedUri } from '@migration-guard/shared/testing/mongod';
import { selectDatabases } from '../src/databases/select.ts';
import { listOf, openFixture, type Fixture } from './fixture.ts';

const files = {
  'migrations/1.js': `exports.up = async (db) => { if (await db.collection('refuse').countDocuments() > 0) throw new Error('refused here'); await db.collection('things').insertOne({ n: 1 }); };`,
  'migrations/2.js': `exports.up = (db) => db.collection('things').insertOne({ n: 2 });`,
};

interface Tenants {
  readonly pattern: string;
  readonly names: readonly string[];
}

/** Four databases of the fixture's own; the second one refuses the first migration. */
async function makeTenants({ connection, database }: Fixture): Promise<Tenants> {
  const names = ['a', 'b', 'c', 'd'].map((letter) => `${database}_${letter}`);
  for (const name of names) await connection.client.db(name).collection('orders').insertOne({ n: 0 });
  await connection.client.db(names[1]).collection('refuse').insertOne({ n: 1 });
  return { pattern: `${database}_*`, names };
}

async function dropAll({ connection }: Fixture, { names }: Tenants): Promise<void> {
  for (const name of names) await connection.client.db(name).dropDatabase();
}

function toldOf(text: string | undefined): readonly unknown[][] {
  const told = JSON.parse(text ?? '[]') as { database: string; result: string; applied: string[] }[];
  return told.map(({ database, result, applied }) => [database.slice(-1), result, applied.length]);
}

test('several databases: stops after the first that fails, and goes on where it stopped', async () => {
  await using fixture = await openFixture(files);
  const tenants = await makeTenants(fixture);
  const inputs = { uri: sharedUri(), databases: tenants.pattern };
  const step = await fixture.job.run('migrate', { inputs: { mode: 'apply', ...inputs } });
  expect(step.exitCode).toBe(1);
  expect(toldOf(step.outputs['databases'])).toEqual([
    ['a', 'passed', 2],
    ['b', 'failed', 0],
    ['c', 'not begun', 0],
    ['d', 'not begun', 0],
  ]);
  expect(step.summary).toContain('4 databases: 1 passed, 1 failed, 2 not begun');
  expect(step.summary).toContain('refused here');
  expect(listOf(step.outputs['applied'])).toEqual([`${tenants.names[0]}/1.js`, `${tenants.names[0]}/2.js`]);
  const db = (index: number) => fixture.connection.client.db(tenants.names[index]);
  expect(await db(0).collection('migration_journal').countDocuments({ state: 'APPLIED' })).toBe(2);
  expect(await db(2).collection('things').countDocuments()).toBe(0);
  await db(1).collection('refuse').drop();
  const next = await fixture.job.run('migrate', { inputs: { mode: 'apply', ...inputs } });
  expect(next.exitCode).toBe(0);
  expect(toldOf(next.outputs['databases'])).toEqual([
    ['a', 'passed', 0],
    ['b', expect.any(String), 2],
    ['c', expect.any(String), 2],
    ['d', expect.any(String), 2],
  ]);
  await dropAll(fixture, tenants);
});

test('several databases: goes on after failures where it is told to, and applies only what was planned for all', async () => {
  await using fixture = await openFixture(files);
  const tenants = await makeTenants(fixture);
  const inputs = { uri: sharedUri(), databases: JSON.stringify([tenants.names[2], tenants.pattern]), 'stop-after': '0' };
  const plan = await fixture.job.run('migrate', { inputs: { mode: 'plan', ...inputs } });
  const hash = plan.outputs['plan-hash'] ?? '';
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  const refused = await fixture.job.run('migrate', { inputs: { mode: 'apply', ...inputs, 'plan-hash': '0'.repeat(64) } });
  expect(refused.rawLog).toContain(`plan/changed: The plans of 4 databases together are ${hash}`);
  const step = await fixture.job.run('migrate', { inputs: { mode: 'apply', ...inputs, 'plan-hash': hash } });
  expect(toldOf(step.outputs['databases']).map(([letter, result]) => [letter, result === 'failed'])).toEqual([
    ['c', false],
    ['a', false],
    ['b', true],
    ['d', false],
  ]);
  await dropAll(fixture, tenants);
});

test('patterns mean the databases that exist, names what is written', () => {
  const existing = ['admin', 'shop_b', 'shop_a', 'other', 'local'];
  expect(selectDatabases(['shop_*', 'new', 'shop_a'], existing)).toEqual(['shop_a', 'shop_b', 'new']);
  expect(selectDatabases(['*'], existing)).toEqual(['other', 'shop_a', 'shop_b']);
  expect(() => selectDatabases(['x*'], existing)).toThrow(
    expect.objectContaining({ code: 'migration/no-database', message: 'No database fits x*.' }),
  );
});
