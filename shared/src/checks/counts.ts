import { z } from 'zod';
import type { Census } from '../mongo/census.ts';
import type { CheckResult } from './check.ts';

const percent = z.number().min(0).max(100);

const expectation = z.union([
  z.enum(['exact', 'dropped', 'ignore']).describe('exact: not one more or less; dropped: the migration drops it; ignore: not counted.'),
  z.strictObject({ tolerance: percent }),
  z.strictObject({ expect: z.int().describe('The migration changes the number by exactly this: +120, -3.') }),
]);

export const countsSettings = z.strictObject({
  tolerance: percent.default(10).describe('Percent by which the number of documents may drift in either direction.'),
  collections: z.record(z.string(), expectation).default({}).describe('Other expectations, by collection.'),
});

type CountsSettings = z.infer<typeof countsSettings>;
type Expectation = z.infer<typeof expectation>;

const rule = 'verify/count-drift';

/** Compares the number of documents of each collection with the rollback point. Views have none; new collections may appear. */
export function checkCounts(before: Census, after: Census, settings: CountsSettings): readonly CheckResult[] {
  const then = countsOf(before);
  const now = countsOf(after);
  const names = [...new Set([...then.keys(), ...Object.keys(settings.collections)])].sort();
  return names.flatMap((name) => {
    const expected = settings.collections[name] ?? { tolerance: settings.tolerance };
    return expected === 'ignore' ? [] : [checkCount(name, { before: then.get(name), after: now.get(name) }, expected)];
  });
}

interface Counts {
  readonly before: number | undefined;
  readonly after: number | undefined;
}

function checkCount(subject: string, counts: Counts, expectation: Expectation): CheckResult {
  const before = counts.before ?? 0;
  const after = counts.after ?? 0;
  const { expected, holds } = judge({ before, after: counts.after, known: counts.before !== undefined }, expectation);
  const found = counts.after === undefined ? 'no such collection' : `${after}${changeText(before, after)}`;
  if (holds) return { rule, subject, expected, found, status: 'passed' };
  return { rule, subject, expected, found, status: 'failed', signals: signalsOf(subject, before, after) };
}

function judge(
  { before, after, known }: { readonly before: number; readonly after: number | undefined; readonly known: boolean },
  expectation: Exclude<Expectation, 'ignore'> | 'ignore',
): { readonly expected: string; readonly holds: boolean } {
  if (expectation === 'dropped') return { expected: 'dropped', holds: known && after === undefined };
  if (expectation === 'exact') return { expected: `exactly ${before}`, holds: known && after === before };
  if (expectation === 'ignore') return { expected: 'anything', holds: true };
  if ('expect' in expectation) {
    const { expect } = expectation;
    const wanted = before + expect;
    return { expected: `exactly ${wanted} (${before} ${expect < 0 ? '-' : '+'} ${Math.abs(expect)})`, holds: after === wanted };
  }
  const drift = Math.abs((after ?? 0) - before);
  // An empty collection may be filled: no percentage can be said of that.
  const holds = known && (before === 0 || drift * 100 <= expectation.tolerance * before);
  return { expected: `${before} ± ${expectation.tolerance} %`, holds };
}

function signalsOf(name: string, before: number, after: number): NonNullable<CheckResult['signals']> {
  if (before === 0 || after === before) return {};
  const value = (Math.abs(after - before) / before) * 100;
  const what = `${name} holds ${after} documents instead of ${before}${changeText(before, after)}`;
  return after < before ? { 'count-loss': { value, what } } : { 'count-growth': { value, what } };
}

function changeText(before: number, after: number): string {
  if (before === after || before === 0) return '';
  const change = ((after - before) / before) * 100;
  const shown = Math.abs(change) < 0.1 ? (change < 0 ? 'under -0.1' : 'under +0.1') : `${change > 0 ? '+' : ''}${change.toFixed(1)}`;
  return ` (${shown} %)`;
}

function countsOf(census: Census): ReadonlyMap<string, number> {
  return new Map(census.collections.flatMap(({ name, type, documents }) => (type === 'view' ? [] : [[name, documents] as const])));
}
