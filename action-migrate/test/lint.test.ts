import { describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { openFixture, type Fixture } from './fixture.ts';

const down = `export const down = async (db) => { await db.collection('orders').updateMany({}, { $unset: { seen: '' } }); };`;
const good = `export const up = async (db) => {
  await db.collection('orders').updateMany({ seen: { $exists: false } }, { $set: { seen: false } });
};
${down}`;
const wipe = (comment = ''): string => `export const up = async (db) => {
  ${comment}
  await db.collection('orders').deleteMany({});
};
${down}`;
const config = (text: string): Readonly<Record<string, string>> => ({ '.github/migration-guard.yml': `migrate:\n  lint: ${text}\n` });

async function orders({ db }: Fixture): Promise<number> {
  return db.collection('orders').countDocuments();
}

describe('lint', () => {
  test.each(['plan', 'apply'])('%s fails on an error, at its line, before anything is written', async (mode) => {
    await using fixture = await openFixture({ 'migrations/1.mjs': good, 'migrations/2.mjs': wipe() });
    const step = await fixture.migrate(mode);
    expect(step).toMatchObject({ exitCode: 1, outputs: { result: 'failed', findings: '1', applied: '[]', pending: '["1.mjs","2.mjs"]' } });
    expect(step.annotations).toContainEqual(
      expect.objectContaining({ level: 'error', file: 'migrations/2.mjs', line: 3, column: 9, message: expect.stringContaining('MD103') }),
    );
    expect(step.summary).toContain('migrations/2.mjs:3');
    expect(await orders(fixture)).toBe(90);
    expect(await fixture.db.collection('changelog').countDocuments()).toBe(0);
    const status = await fixture.migrate('status');
    expect(status.summary).toMatch(/Lock.*free/);
    const sarif = JSON.parse(await readFile(step.outputs['sarif'] ?? '', 'utf8')) as { readonly runs: readonly unknown[] };
    expect(sarif.runs[0]).toMatchObject({
      results: [{ ruleId: 'MD103', level: 'error', locations: [{ physicalLocation: { artifactLocation: { uri: 'migrations/2.mjs' } } }] }],
    });
  });

  test('rehearse shows on the copy what the file would do, and fails', async () => {
    await using fixture = await openFixture({ 'migrations/1.mjs': wipe() });
    await fixture.backUp();
    const step = await fixture.migrate('rehearse', { store: 'backups', 'rehearse-on': 'same-server' });
    expect(step).toMatchObject({ exitCode: 1, outputs: { result: 'failed' } });
    expect(step.rawLog).toContain('MD103');
    expect(step.summary).toContain('removes 90 of 90 documents of orders');
    expect(await orders(fixture)).toBe(90);
  });

  test.each([
    ['a severity', config('{ rules: { MD103: warning } }'), wipe(), '1'],
    ['a severity for the path', config('{ paths: { "migrations/**": { MD103: note } } }'), wipe(), '1'],
    ['lint: false', config('false'), wipe(), '0'],
    ['a suppression', {}, wipe('// migration-guard-disable-next-line MD103 -- test data only'), '0'],
  ])('%s lets a file through', async (_what, files, source, findings) => {
    await using fixture = await openFixture({ 'migrations/1.mjs': source, ...files });
    const step = await fixture.migrate('apply');
    expect(step).toMatchObject({ exitCode: 0, outputs: { applied: '["1.mjs"]', findings } });
    expect(await orders(fixture)).toBe(0);
  });

  test('an ordinary file has no finding, and the SARIF file is empty', async () => {
    await using fixture = await openFixture({ 'migrations/1.mjs': good });
    const step = await fixture.migrate('plan');
    expect(step).toMatchObject({ exitCode: 0, annotations: [], outputs: { result: 'passed', findings: '0' } });
    expect(await readFile(step.outputs['sarif'] ?? '', 'utf8')).toContain('"results": []');
  });

  test('at most ten findings of a level are annotated, the others counted', async () => {
    const statement = `  db.collection('orders').insertOne({});\n  await db.collection('orders').dropIndex('a');\n`;
    await using fixture = await openFixture({
      'migrations/1.mjs': `export const up = async (db) => {\n${statement.repeat(12)}};\n${down}`,
    });
    const step = await fixture.migrate('plan');
    expect(step.outputs).toMatchObject({ result: 'failed', findings: '24' });
    const annotated = (level: string): number =>
      step.annotations.filter((found) => found.level === level && found.file !== undefined).length;
    expect([annotated('error'), annotated('warning')]).toEqual([10, 10]);
    expect(step.summary).toContain('12 errors, 12 warnings (4 more than are annotated)');
  });

  test('a rule that is misspelled in the configuration is refused', async () => {
    await using fixture = await openFixture({ 'migrations/1.mjs': good, ...config('{ rules: { MD103: eror } }') });
    const step = await fixture.migrate('plan');
    expect(step.exitCode).toBe(1);
    expect(step.rawLog).toContain('config/invalid');
  });
});
