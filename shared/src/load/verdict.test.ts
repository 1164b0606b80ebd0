import { describe, expect, test } from '@jest/globals';
import type { StepResult } from '../http/scenario.ts';
import { judgeSamples, judgeStep, worstOf, type Judgement } from './verdict.ts';

const answered = (milliseconds: number, problems: readonly string[] = [], status = 200): StepResult => ({
  name: 'list',
  request: 'GET /orders',
  status,
  milliseconds,
  attempts: 1,
  problems,
});
const limits = { good: 1_000, critical: 2_000 };
const samplesOf = (results: readonly StepResult[]): Judgement => judgeSamples({ name: 'list', results }, limits);
const nineteen = Array.from({ length: 19 }, () => answered(10));

describe('judgeStep', () => {
  test('passes without problems', () => {
    expect(judgeStep(answered(5_000))).toEqual({ verdict: 'pass', severity: 'none' });
  });

  test('is critical when the service does not work, high when it answers wrongly', () => {
    expect(judgeStep(answered(1, ['status 500 instead of 2xx'], 500))).toMatchObject({ verdict: 'fail', severity: 'critical' });
    expect(judgeStep(answered(1, ['$.a is missing']))).toEqual({ verdict: 'fail', severity: 'high', reason: 'list: $.a is missing' });
    const { status: _, ...silent } = answered(1, ['the connection was refused']);
    expect(judgeStep(silent)).toMatchObject({ verdict: 'fail', severity: 'critical' });
  });
});

describe('judgeSamples', () => {
  test.each([
    [999, 'pass', 'none'],
    [1_000, 'warn', 'medium'],
    [2_000, 'warn', 'medium'],
    [2_001, 'fail', 'critical'],
  ])('a p95 of %d ms is %s, severity %s', (milliseconds, verdict, severity) => {
    const results = [...nineteen, answered(milliseconds), answered(milliseconds)];
    expect(samplesOf(results)).toMatchObject({ verdict, severity });
  });

  test('one slow answer of twenty is not the 95th percentile', () => {
    expect(samplesOf([...nineteen, answered(9_000)])).toMatchObject({ verdict: 'pass' });
  });

  test('one wrong answer among fast ones fails', () => {
    const reason = 'list: 1 of 20 samples failed (status 404 instead of 2xx)';
    expect(samplesOf([...nineteen, answered(5, ['status 404 instead of 2xx'], 404)])).toEqual({
      verdict: 'fail',
      severity: 'high',
      reason,
    });
  });

  test('no samples never pass', () => {
    expect(samplesOf([])).toMatchObject({ verdict: 'inconclusive' });
  });
});

describe('worstOf', () => {
  test('takes the worst verdict with its reason, and the worst severity of any', () => {
    expect(worstOf([])).toEqual({ verdict: 'pass', severity: 'none' });
    expect(
      worstOf([
        { verdict: 'warn', severity: 'medium', reason: 'slow' },
        { verdict: 'fail', severity: 'high', reason: 'wrong' },
        { verdict: 'inconclusive', severity: 'critical', reason: 'unknown' },
      ]),
    ).toEqual({ verdict: 'fail', severity: 'critical', reason: 'wrong' });
  });
});
