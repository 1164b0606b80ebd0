import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { makePlan, planDocument, planFile, requireHash, requireRehearsal, type Plan, type RequiredRehearsal } from './plan.ts';

const now = new Date(0);
const files = [
  { name: '1.js', path: '/1.js', hash: 'a' },
  { name: '2.js', path: '/2.js', hash: 'b' },
];
const plan = makePlan({ database: 'shop', history: ['0.js'], files }, now);

describe('the hash of a plan', () => {
  test('is the same for the same plan at another time', () => {
    expect(makePlan({ database: 'shop', history: ['0.js'], files }, new Date()).hash).toBe(plan.hash);
  });

  test.each([
    ['order', { files: [...files].reverse() }],
    ['content', { files: [{ name: '1.js', path: '/1.js', hash: 'c' }] }],
    ['database', { database: 'other' }],
    ['history', { history: [] }],
  ])('changes with the %s', (_what, parts) => {
    const other = makePlan({ database: 'shop', history: ['0.js'], files, ...parts }, now);
    expect(other.hash).not.toBe(plan.hash);
    expect(() => requireHash(other, plan.hash)).toThrow(expect.objectContaining({ code: 'plan/changed' }));
  });
});

describe('requireRehearsal', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'plan-'));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

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
    const other = makePlan({ database: 'shop', history: ['0.js'], files: [...files, { name: '3.js', path: '/3.js', hash: 'd' }] }, now);
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
