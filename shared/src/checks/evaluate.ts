import type { VerifySettings } from '../config/verify.ts';
import type { CheckResult, CheckTarget } from './check.ts';
import { detect, mergeSignals, type Detection, type Signals } from './detection.ts';
import { checkIndex } from './indexes.ts';
import { checkQueryCount } from './query-count.ts';
import { checkReference } from './references.ts';
import { checkRequiredField } from './required-fields.ts';
import { checkUnique } from './unique.ts';

type Configured = Pick<VerifySettings, 'indexes' | 'required-fields' | 'queries' | 'references' | 'unique'>;

/** Runs the checks of the configuration that need no rollback point, one after another. Throws the errors of `fromMongoError`. */
export async function runConfiguredChecks(settings: Configured, target: CheckTarget): Promise<readonly CheckResult[]> {
  const checks = [
    ...settings['required-fields'].map((check) => () => checkRequiredField(check, target)),
    ...settings.queries.map((check) => () => checkQueryCount(check, target)),
    ...settings.references.map((check) => () => checkReference(check, target)),
    ...settings.unique.map((check) => () => checkUnique(check, target)),
  ];
  const results = settings.indexes.map((check) => checkIndex(check, target));
  for (const check of checks) {
    target.signal?.throwIfAborted();
    results.push(await check());
  }
  return results;
}

export interface Evaluation extends Detection {
  readonly passed: number;
  readonly failed: number;
}

/** Counts the results and judges them by the detection rules. */
export function evaluate(results: readonly CheckResult[], rules: VerifySettings['detection'] = {}): Evaluation {
  const failures = results.filter(({ status }) => status === 'failed');
  const first = failures[0];
  const failed: Signals =
    first === undefined ? {} : { 'failed-checks': { value: failures.length, what: describeFailures(first, failures.length) } };
  const signals = failures.reduce((merged, { signals: more }) => (more === undefined ? merged : mergeSignals(merged, more)), failed);
  return { ...detect(signals, rules), passed: results.length - failures.length, failed: failures.length };
}

function describeFailures({ rule, subject, expected, found }: CheckResult, count: number): string {
  const others = count === 1 ? '' : ` (and ${count - 1} more)`;
  return `${rule} ${subject}: expected ${expected}, found ${found}${others}`;
}
