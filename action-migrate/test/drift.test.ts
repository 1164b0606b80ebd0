import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { openFixture, type Fixture } from './fixture.ts';

const index = `export const up = (db) => db.collection('orders').createIndex({ total: 1 }, { name: 'by_total' });
export const down = (db) => db.collection('orders').dropIndex('by_total');`;
const seen = `export const up = (db) => db.collection('orders').updateMany({ seen: { $exists: false } }, { $set: { seen: true } });
export const down = (db) => db.collection('orders').updateMany({}, { $unset: { seen: '' } });`;
const config = (drift: string): string => `migrate:\n  drift: ${drift}\n  lint: false\n`;

/** One migration is applied; then somebody drops its index by hand, and a second one is pending. */
async function drifted(severity: string): Promise<Fixture> {
  const fixture = await openFixture({ 'migrations/1.mjs': index, '.github/migration-guard.yml': config(severity) });
  expect(await fixture.migrate('apply')).toMatchObject({ exitCode: 0, outputs: { result: 'passed', findings: '0' } });
  await fixture.db.collection('orders').dropIndex('by_total');
  await fixture.checkout.write({ 'migrations/2.mjs': seen });
  return fixture;
}

describe('drift of the target', () => {
  test('is a warning by default, with two migrations to choose from', async () => {
    await using fixture = await drifted('warning');
    const plan = await fixture.migrate('plan');
    expect(plan).toMatchObject({ exitCode: 0, outputs: { result: 'warned', findings: '1' } });
    expect(plan.summary).toContain('The index by\\_total of orders was dropped by nobody');
    const folder = path.join(path.dirname(plan.outputs['run-report'] ?? ''), 'drift');
    expect((await readdir(folder)).map((name) => name.replace(/^\d+/, ''))).toEqual(['-adopt-drift.js', '-revert-drift.js']);
    expect(await fixture.migrate('apply')).toMatchObject({ exitCode: 0, outputs: { applied: '["2.mjs"]' } });
  });

  test('refuses to apply where it is an error, and nothing is written', async () => {
    await using fixture = await drifted('error');
    const apply = await fixture.migrate('apply');
    expect(apply).toMatchObject({ exitCode: 1, outputs: { result: 'failed', applied: '[]', pending: '["2.mjs"]' } });
    expect(await fixture.db.collection('orders').countDocuments({ seen: true })).toBe(0);
  });

  test('is not looked for where it is off', async () => {
    await using fixture = await drifted('"off"');
    expect(await fixture.migrate('apply')).toMatchObject({ exitCode: 0, outputs: { result: 'passed', findings: '0' } });
  });
});
