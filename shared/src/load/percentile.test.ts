import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { percentile } from './percentile.ts';

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

  test.each([
    [0, 1],
    [0.5, 50],
    [0.95, 95],
    [1, 100],
  ])('%d of 1…100 is %d', (share, value) => {
    expect(percentile(hundred, share)).toBe(value);
  });

  test('of one sample is that sample', () => {
    expect(percentile([7], 0.95)).toBe(7);
  });

  test('of nothing is refused', () => {
    expect(() => percentile([], 0.5)).toThrow(RangeError);
  });

  test('is a sample that enough samples do not exceed', () => {
    const samples = fc.array(fc.nat(), { minLength: 1 });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(samples, share, (values, part) => {
        const found = percentile(values, part);
        const covered = values.filter((value) => value <= found).length;
        expect(values).toContain(found);
        expect(covered).toBeGreaterThanOrEqual(part * values.length - 1e-9);
      }),
    );
  });
});
