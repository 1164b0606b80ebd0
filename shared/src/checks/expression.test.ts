import { describe, expect, test } from '@jest/globals';
import { ExpressionFault, parseCondition } from './expression.ts';

const names = ['error_rate', 'latency_p95', 'requests'];
const values = { error_rate: 3, latency_p95: 900 };
const holds = (text: string): boolean | undefined => parseCondition(text, names)(values);

describe('a condition', () => {
  test.each([
    ['error_rate > 2', true],
    ['error_rate > 2 and latency_p95 > 1000', false],
    ['error_rate > 5 or latency_p95 >= 900', true],
    ['not error_rate > 5', true],
    ['not (error_rate > 2 or latency_p95 > 1)', false],
    ['error_rate * 2 + 1 == 7', true],
    ['1 + 2 * 3 == 7 and (1 + 2) * 3 == 9', true],
    ['10 - 4 - 3 == 3 and 8 / 4 / 2 == 1', true],
    ['-error_rate < 0 and error_rate != -3', true],
    ['error_rate <= 2.9', false],
    ['latency_p95', true],
    ['0', false],
  ])('%s is %s', (text, expected) => {
    expect(holds(text)).toBe(expected);
  });

  test('is not known where a value is missing, or nothing can be calculated', () => {
    expect(holds('requests > 1')).toBeUndefined();
    expect(holds('error_rate > 1 or requests > 1')).toBeUndefined();
    expect(holds('0 / 0')).toBeUndefined();
  });

  test.each([
    ['', 'has its end where a value should be'],
    ['error_rate >', 'has its end where a value should be'],
    ['error_rate > 1 2', 'has "2" where it should end'],
    ['(error_rate > 1', 'has a parenthesis that is not closed'],
    ['errors > 1', 'names errors; known are error_rate, latency_p95, requests'],
    ['constructor', 'names constructor'],
    ['process.exit()', 'at character 8'],
    ['error_rate = 1', 'at character 12'],
    ['a; b', 'at character 2'],
    ['1'.repeat(501), 'longer than 500'],
    ['-'.repeat(499) + '1', undefined],
    ['('.repeat(500), 'nested too deeply'],
  ])('%s is refused with its fault', (text, fault) => {
    if (fault === undefined) expect(holds(text)).toBe(true);
    else
      expect(() => holds(text)).toThrow(expect.objectContaining({ constructor: ExpressionFault, message: expect.stringContaining(fault) }));
  });
});
