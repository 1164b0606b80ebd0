import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { LintFinding } from './lint/run.ts';
import { makePlan, planDocument, planFile, requireHash, requireRehearsal, type Plan, type RequiredRehearsal } from './plan.ts';

const now = new Date(0);
const files = [
  { name: '1.js', path: '/1.js', hash: 'a' },
  { name: '2.js', path: '/2.js', hash: 'b' },
];
const history = [{ fileName: '0.js', appliedAt: now }];
const finding: LintFinding = { code: 'MD103', severity: 'warning', message: 'm', file: 'migrations/1.js', line: 3, column: 1 };
const parts = { database: 'shop', history, files, findings: [finding] };
const plan = makePlan(parts, now);

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'plan-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the hash of a plan', () => {
  test('is the same for the same plan at another time', () => {
    expect(makePlan(parts, new Date()).hash).toBe(plan.hash);
  });

  test.each([
    ['order', { files: files.toReversed() }, 'the order or the findings of the files are others'],
    [
      'content',
      { files: [{ name: '1.js', path: '/1.js', hash: 'c' }] },
      'not there in this form: 1.js; there, but not to be applied: 2.js',
    ],
    ['database', { database: 'other' }, 'database shop, now other'],
    ['history', { history: [] }, 'the history of the target is another one'],
    [
      'target',
      { history: [{ fileName: '0.js', appliedAt: new Date(1) }] },
      'the same files were applied at other times: it is another database',
    ],
    ['findings', { findings: [finding, { ...finding, line: 4 }] }, 'not found then: MD103 warning migrations/1.js:4'],
  ])('changes with the %s, and what changed is said', async (_what, other, difference) => {
    const changed = makePlan({ ...parts, ...other }, now);
    expect(changed.hash).not.toBe(plan.hash);
    await expect(requireHash(changed, plan.hash, folder)).rejects.toMatchObject({
      code: 'plan/changed',
      message: `The plan ${changed.hash} is not the approved plan ${plan.hash}.`,
    });
    await planDocument.write(planFile(folder), plan);
    await expect(requireHash(changed, plan.hash, folder)).rejects.toMatchObject({ message: expect.stringContaining(`: ${difference}.`) });
    await expect(requireHash(plan, plan.hash, folder)).resolves.toBeUndefined();
  });
});

describe('requireRehearsal', () => {
  const rehearsed = (result: NonNullable<Plan['rehearsal']>['result']): NonNullable<Plan['rehearsal']> => ({
    result,
    on: 'ephemeral',
    backup: 'b1',
    findings: 0,
  });

  const required = (maxAge?: number): RequiredRehearsal => ({ runFolder: folder, maxAge, now: new Date(60_000) });

  test('refuses a copy that is older than allowed', async () => {
    await planDocument.write(planFile(folder), { ...plan, rehearsal: { ...rehearsed('passed'), takenAt: now.toISOString() } });
    await expect(requireRehearsal(plan, required(60_000))).resolves.toBeUndefined();
    await expect(requireRehearsal(plan, required(59_000))).rejects.toMatchObject({ code: 'plan/not-rehearsed' });
  });

  test.each(['passed', 'warned'] as const)('accepts exactly the plan whose rehearsal %s', async (result) => {
    await planDocument.write(planFile(folder), { ...plan, rehearsal: rehearsed(result) });
    await expect(requireRehearsal(plan, required())).resolves.toBeUndefined();
    const other = makePlan({ ...parts, files: [...files, { name: '3.js', path: '/3.js', hash: 'd' }] }, now);
    await expect(requireRehearsal(other, required())).rejects.toMatchObject({
      code: 'plan/changed',
      message: expect.stringContaining('3.js'),
    });
  });

  test('refuses a plan that failed, was not rehearsed, or is not there', async () => {
    await expect(requireRehearsal(plan, required())).rejects.toMatchObject({ code: 'plan/not-rehearsed' });
    await planDocument.write(planFile(folder), plan);
    await expect(requireRehearsal(plan, required())).rejects.toMatchObject({ code: 'plan/not-rehearsed' });
    await planDocument.write(planFile(folder), { ...plan, rehearsal: rehearsed('failed') });
    await expect(requireRehearsal(plan, required())).rejects.toMatchObject({
      code: 'plan/not-rehearsed',
      message: expect.stringContaining('failed'),
    });
  });
});
