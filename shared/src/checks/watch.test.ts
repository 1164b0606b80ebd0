import { describe, expect, test } from '@jest/globals';
import type { Signals } from './detection.ts';
import { RuleWatch } from './watch.ts';

const minute = 60_000;
const errors = (value: number): Signals => ({ 'error-rate': { value, what: `${value} % failed` } });

describe('watching by the rules', () => {
  test.each([
    [11, 0, 'critical'],
    [6, 5, 'high'],
    [3, 15, 'medium'],
  ])('%i %% of errors decide after %i minutes: %s', (rate, minutes, severity) => {
    const watch = new RuleWatch();
    for (let at = 0; at < minutes * minute; at += minute) {
      expect(watch.judge(at, errors(rate))).toMatchObject({ decision: 'continue', severity: 'none', reason: '' });
    }
    expect(watch.judge(minutes * minute, errors(rate))).toMatchObject({ decision: 'rollback', severity });
  });

  test('says what waits, and until when', () => {
    const watch = new RuleWatch();
    watch.judge(minute, errors(3));
    expect(watch.judge(2 * minute, errors(6)).pending).toEqual([
      { rule: 'error_rate_high', what: '6 % failed', due: 7 * minute },
      { rule: 'error_rate_medium', what: '6 % failed', due: 16 * minute },
    ]);
  });

  test('a value that recovers starts the time anew', () => {
    const watch = new RuleWatch();
    watch.judge(0, errors(6));
    watch.judge(4 * minute, errors(0));
    expect(watch.judge(5 * minute, errors(6)).decision).toBe('continue');
    expect(watch.judge(10 * minute, errors(6)).decision).toBe('rollback');
  });

  test('own rules have their own time', () => {
    const watch = new RuleWatch({
      rules: [{ name: 'slow', when: 'latency_p95 > 800', severity: 'medium', decision: 'continue', within: minute }],
    });
    const slow: Signals = { 'latency-p95': { value: 900, what: 'p95 900 ms' } };
    expect(watch.judge(0, slow).severity).toBe('none');
    expect(watch.judge(minute, slow)).toMatchObject({
      severity: 'medium',
      decision: 'continue',
      reason: 'slow: latency_p95 > 800 (latency_p95 900)',
    });
  });
});
