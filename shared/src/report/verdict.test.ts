import { describe, expect, test } from '@jest/globals';
import { sampleReport, stageWith } from '../testing/run-reports.ts';
import type { RunReport, Stage } from './run-report.ts';
import { verdictOf } from './verdict.ts';

const rollback = (overrides: Partial<Stage> = {}): Stage =>
  stageWith({ action: 'rollback', title: 'Roll back', mode: 'apply', outputs: { proof: 'equal' }, ...overrides });
const failed = stageWith({ result: 'failed', reason: 'Two checks failed.', dataState: 'Migrated.', nextStep: 'Roll back.' });

describe('the verdict', () => {
  let report: RunReport;
  const of = async (...stages: Stage[]): Promise<ReturnType<typeof verdictOf>> => {
    report = { ...(await sampleReport('passed')), stages };
    return verdictOf(report);
  };

  test('of a run without trouble', async () => {
    expect(verdictOf(await sampleReport('passed'))).toEqual({
      tone: 'passed',
      alarming: false,
      headline: 'Passed',
      whatHappened: '5 stages passed in 34.4 s on marketplace in production.',
      dataState: '2 migrations are applied to marketplace; the rollback point is kept.',
      nextStep: 'Nothing to do.',
    });
  });

  test('names the warnings of a run that went through', async () => {
    const verdict = await of(stageWith({}), stageWith({ title: 'Load test', mode: 'smoke', result: 'warned', reason: 'p95 was 1.4 s' }));
    expect(verdict).toMatchObject({ tone: 'warned', alarming: false, headline: 'Passed with warnings' });
    expect(verdict.whatHappened).toContain('Load test (smoke): p95 was 1.4 s.');
  });

  test('of a failure: its message, the last known state, and its remedy', async () => {
    const verdict = verdictOf(await sampleReport('failed'));
    expect(verdict).toMatchObject({
      tone: 'failed',
      alarming: true,
      headline: 'Failed: Migrate (apply)',
      dataState: 'marketplace was not changed.',
    });
    expect(verdict.whatHappened).toMatch(/^Migrate \(apply\): The migration lock of marketplace is held/);
    expect(verdict.nextStep).toMatch(/^Wait for that run to end/);
  });

  test('of a rollback that is proven: the cause first, then the way back', async () => {
    const verdict = verdictOf(await sampleReport('rolled-back'));
    expect(verdict).toMatchObject({ tone: 'restored', alarming: true, headline: 'Rolled back, proven' });
    expect(verdict.whatHappened).toMatch(/^Verify: .* Roll back \(apply\): deliveryorders was restored/);
    expect(verdict.nextStep).toMatch(/^The application runs again/);
  });

  test.each([
    ['Rolled back, not proven', 'failed', [failed, rollback({ outputs: {} })]],
    ['Rolled back, not proven', 'failed', [failed, rollback({ outputs: { proof: 'failed' } })]],
    ['Rolled back to the backup, proven', 'restored', [failed, rollback({ outputs: { proof: 'equal-to-backup' } })]],
    ['Rollback failed', 'failed', [failed, rollback({ result: 'failed' })]],
    ['Rollback failed', 'failed', [failed, rollback({ result: 'inconclusive' })]],
    [
      'Rolled back, then failed: Load test (smoke)',
      'failed',
      [failed, rollback(), stageWith({ title: 'Load test', mode: 'smoke', result: 'failed' })],
    ],
    ['Failed: Verify', 'failed', [failed, rollback({ mode: 'plan' })]],
    ['Undecided: Verify', 'inconclusive', [stageWith({ result: 'inconclusive' })]],
    ['Cancelled', 'failed', [stageWith({ result: 'failed', error: { code: 'run/cancelled', message: 'Cancelled.', remedy: 'Again.' } })]],
    ['Nothing ran', 'inconclusive', []],
    ['Failed: Verify', 'failed', [failed, stageWith({ action: 'report', title: 'Report' })]],
    ['Passed', 'passed', [stageWith({}), stageWith({ action: 'report', title: 'Report', result: 'warned' })]],
  ] as const)('%s (%s)', async (headline, tone, stages) => {
    expect(await of(...stages)).toMatchObject({ headline, tone });
  });

  test('takes the state of the data from the last stage that may have changed it, and no advice that was followed', async () => {
    const migrated = { action: 'migrate', mode: 'apply', title: 'Migrate', dataState: 'Migrated.', nextStep: 'Verify.' };
    const verdict = await of(stageWith(migrated), stageWith({ dataState: 'This stage changes no data.' }));
    expect(verdict).toMatchObject({ dataState: 'Migrated.', nextStep: 'Nothing to do.' });
    expect(await of(stageWith(migrated))).toMatchObject({ nextStep: 'Verify.' });
  });

  test('says what to correct after a rollback that gives no advice', async () => {
    const { nextStep } = await of(failed, rollback());
    expect(nextStep).toBe('The data needs nothing. Correct what made Verify fail, then start the workflow again.');
  });

  test('says when the state of the data is not known, and never leaves the next step open', async () => {
    const verdict = await of(stageWith({ result: 'failed', title: 'Migrate', mode: 'apply' }));
    expect(verdict.dataState).toBe('Not known: no stage reported the state of the data.');
    expect(verdict.nextStep).toBe('Look at the stage Migrate (apply) in the report.');
  });
});
