import { describe, expect, test } from '@jest/globals';
import { forecast, judgeBudget, percentText, rangeText, type ForecastInput, type RehearsedWork } from './forecast.ts';

const work: RehearsedWork = { name: '1.js', milliseconds: 10_000, collections: ['orders'], commands: 100, documents: 1_000 };
const size = (bytes: number): ForecastInput['copy'] => new Map([['orders', { documents: bytes / 100, bytes }]]);
const input: ForecastInput = { files: [work], copy: size(1e6), target: undefined, oplogBytes: 1e6 };
const target = (bytes: number): ForecastInput['target'] => ({ sizes: size(bytes), roundTrip: 1, oplog: { bytes: 1e9, window: 3_600_000 } });

describe('forecast', () => {
  test('is a range around what the copy took, with a round trip for each command', () => {
    expect(forecast({ ...input, target: target(1e6) }).total).toEqual({ least: 5_100, most: 40_200 });
  });

  test('is wider when the target was not asked', () => {
    expect(forecast(input).total).toEqual({ least: 5_020, most: 45_000 });
  });

  test('grows with the target, for a copy that is a sample', () => {
    const { total, documents, oplogBytes } = forecast({ ...input, target: target(10e6) });
    expect({ total, documents, oplogBytes }).toEqual({ total: { least: 51_000, most: 402_000 }, documents: 10_000, oplogBytes: 10e6 });
  });

  test('counts documents by documents, where masked ones are longer than those of the target', () => {
    const masked = new Map([['orders', { documents: 1_000, bytes: 200_000 }]]);
    expect(forecast({ ...input, copy: masked, target: target(1e6) }).documents).toBe(10_000);
  });

  test('does not shrink with it, and takes a collection that is new as it is', () => {
    expect(forecast({ ...input, target: target(1e5) }).documents).toBe(1_000);
    expect(forecast({ ...input, copy: new Map(), target: target(1e6) }).documents).toBe(1_000);
  });

  test('the share of the oplog is that of the bytes, or of the time if that is more', () => {
    expect(forecast({ ...input, oplogBytes: 5e8, target: target(1e6) }).oplogShare).toBeCloseTo(0.5);
    expect(forecast({ ...input, oplogBytes: 0, target: target(1e6) }).oplogShare).toBeCloseTo(40.2 / 3_600);
  });

  test.each([
    [1e6, 'low'],
    [5.1 * 6e6, 'medium'],
    [5.1 * 30e6, 'high'],
    [undefined, undefined],
  ] as const)('writing %d bytes in 5 seconds is a lag risk: %s', (oplogBytes, lagRisk) => {
    expect(forecast({ ...input, oplogBytes, target: target(1e6) }).lagRisk).toBe(lagRisk);
  });
});

describe('budget', () => {
  const made = forecast({ ...input, oplogBytes: 5e8, target: target(1e6) });

  test('within it nothing is found', () => {
    expect(judgeBudget(made, {})).toEqual([]);
    expect(judgeBudget(made, { time: 60_000, documents: 1_000, oplogPercent: 60 })).toEqual([]);
  });

  test('each limit that is broken is named with what it is', () => {
    expect(judgeBudget(made, { time: 30_000, documents: 999, oplogPercent: 20 }).map(({ message }) => message)).toEqual([
      'The migration may take 5 s to 40 s on the target, the budget is 30 s.',
      'The migration will write about 1,000 documents, the budget is 999.',
      "The migration may use 50 % of the oplog's window (500 MB to the oplog), the budget is 20 %.",
    ]);
  });

  test('a limit that cannot be checked is said', () => {
    expect(judgeBudget(forecast(input), { oplogPercent: 20 })).toMatchObject([{ severity: 'warning', rule: 'rehearsal/budget-not-known' }]);
  });
});

test.each([
  [{ least: 10, most: 900 }, 'under 1 s'],
  [{ least: 10, most: 1_200 }, 'under 1 s to 1 s'],
  [{ least: 90_000, most: 600_000 }, '90 s to 10 min'],
])('%j reads %s', (range, text) => {
  expect(rangeText(range)).toBe(text);
});

test('small shares keep a digit', () => {
  expect([percentText(0.012), percentText(0.5)]).toEqual(['1.2 %', '50 %']);
});
