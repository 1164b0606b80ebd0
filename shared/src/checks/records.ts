import type { JournalEntry } from '../migration/journal.ts';
import type { CheckResult } from './check.ts';

/** A migration's last entry in the journal. */
export type JournalRecord = Pick<JournalEntry, 'file' | 'state' | 'at'>;

export interface Records {
  readonly point: { readonly createdAt: string; readonly history: readonly string[]; readonly planned: readonly string[] };
  /** File names in the changelog. */
  readonly history: readonly string[];
  /** The last entry of each file. */
  readonly journal: readonly JournalRecord[];
}

const rule = 'verify/migration-records';
/** States in which nothing of a migration is open. */
const ended: readonly JournalRecord['state'][] = ['APPLIED', 'ROLLED_BACK'];

/**
 * The changelog must hold what was applied before the rollback point and what was planned at it, nothing else, and the journal no file of
 * this release that did not end well.
 */
export function checkRecords({ point, history, journal }: Records): readonly CheckResult[] {
  const wanted = [...new Set([...point.history, ...point.planned])];
  const applied = new Set(history);
  const unplanned = [...applied].filter((file) => !wanted.includes(file));
  const broken = journal.filter(
    ({ file, state, at }) => (point.planned.includes(file) || at.toISOString() >= point.createdAt) && !ended.includes(state),
  );
  return [
    ...wanted.filter((file) => !point.history.includes(file) || !applied.has(file)).map((file) => checkApplied(file, applied)),
    ...(wanted.length > 0 && unplanned.length === 0 ? [complete(wanted.length)] : []),
    ...unplanned.map((file): CheckResult => ({
      rule,
      subject: file,
      expected: 'not applied',
      found: 'recorded, though it was not planned',
      status: 'failed',
    })),
    ...broken.map(({ file, state }): CheckResult => {
      const what = `the migration ${file} is ${state}`;
      return {
        rule,
        subject: file,
        expected: 'APPLIED',
        found: state,
        status: 'failed',
        signals: { 'failed-migrations': { value: 1, what } },
      };
    }),
  ];
}

function checkApplied(file: string, applied: ReadonlySet<string>): CheckResult {
  if (applied.has(file)) return { rule, subject: file, expected: 'applied', found: 'applied', status: 'passed' };
  const what = `the migration ${file} is not recorded as applied`;
  const signals = { 'failed-migrations': { value: 1, what } };
  return { rule, subject: file, expected: 'applied', found: 'not recorded', status: 'failed', signals };
}

function complete(count: number): CheckResult {
  return { rule, subject: 'changelog', expected: `no other than these ${count}`, found: 'no other', status: 'passed' };
}
