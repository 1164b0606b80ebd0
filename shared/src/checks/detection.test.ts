import { describe, expect, test } from '@jest/globals';
import { detect, mergeSignals, type SignalName } from './detection.ts';

describe('the detection rules', () => {
  test.each([
    ['count-loss', 10.1, 'data_loss', 'critical', 0],
    ['count-growth', 10.1, 'unexpected_growth', 'high', 300_000],
    ['failed-migrations', 1, 'migration_failure', 'critical', 0],
    ['failed-checks', 1, 'failed_check', 'high', 300_000],
    ['error-rate', 10.1, 'error_rate_critical', 'critical', 0],
    ['error-rate', 5.1, 'error_rate_high', 'high', 300_000],
    ['error-rate', 2.1, 'error_rate_medium', 'medium', 900_000],
    ['latency-factor', 5.1, 'latency', 'high', 300_000],
    ['api-down', 1, 'api_down', 'critical', 0],
    ['connection-lost', 1, 'connection_lost', 'critical', 0],
  ] as const)('%s of %s is %s: %s, rollback within %s ms', (signal, value, rule, severity, within) => {
    const found = detect({ [signal]: { value, what: 'seen' } });
    expect(found).toMatchObject({ severity, within, decision: 'rollback', reason: `${rule}: seen` });
  });

  test.each([
    ['count-loss', 10],
    ['count-growth', 10],
    ['failed-migrations', 0],
    ['failed-checks', 0],
    ['error-rate', 2],
    ['latency-factor', 5],
    ['api-down', 0],
    ['connection-lost', 0],
    ['error-rate', Number.NaN],
  ] as [SignalName, number][])('%s of %s is nothing', (signal, value) => {
    const nothing = { severity: 'none', decision: 'continue', within: 0, matches: [], reason: '' };
    expect(detect({ [signal]: { value, what: 'seen' } })).toEqual(nothing);
  });

  test('the most severe rule leads, and the shortest time counts', () => {
    const found = detect({ 'failed-checks': { value: 2, what: 'two checks' }, 'count-loss': { value: 33, what: 'orders lost 33 %' } });
    expect(found).toMatchObject({ severity: 'critical', within: 0, reason: 'data_loss: orders lost 33 %' });
  });

  test('a rule can be changed and taken out', () => {
    const lost = { 'count-loss': { value: 33, what: 'orders lost 33 %' } };
    expect(detect(lost, { data_loss: 'off' })).toMatchObject({ severity: 'none', decision: 'continue' });
    expect(detect(lost, { data_loss: { above: 40 } })).toMatchObject({ severity: 'none' });
    expect(detect(lost, { data_loss: { decision: 'continue', severity: 'medium' } })).toMatchObject({
      severity: 'medium',
      decision: 'continue',
    });
  });

  test('of a signal seen twice the greater value counts', () => {
    const [small, great] = [{ 'count-loss': { value: 1, what: 'a' } }, { 'count-loss': { value: 2, what: 'b' } }];
    expect(mergeSignals(small, great)).toEqual(great);
    expect(mergeSignals(great, small)).toEqual(great);
  });
});
