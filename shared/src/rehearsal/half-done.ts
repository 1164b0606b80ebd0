import type { Db } from 'mongodb';
import { GuardError } from '../errors/guard-error.ts';
import type { Finding } from '../report/run-report.ts';
import type { Observation } from '../migration/observation.ts';
import { describeComparison } from './describe-difference.ts';
import { isSame, type StateComparison } from './state/compare-states.ts';
import type { Stepped } from './stepping.ts';

/** Commands by which data change: one of them is made to fail. */
const writeCommands = [
  'insert',
  'update',
  'delete',
  'findAndModify',
  'bulkWrite',
  'createIndexes',
  'create',
  'collMod',
  'renameCollection',
  'drop',
  'dropIndexes',
];
/** Not a network error and none that the driver tries again: the migration ends there. */
const internalError = 1;

/** How many write commands the migration sent. */
export function countWrites({ statements }: Pick<Observation, 'statements'>): number {
  return statements.filter(({ command }) => writeCommands.includes(command)).reduce((sum, { commands }) => sum + commands, 0);
}

/**
 * Lets the write after the first `whole` ones fail, and all that follow, of the connections with this name. Needs a server that was started
 * with `enableTestCommands`, as the throw-away one is; tells whether it is one.
 */
export async function failAfter(db: Db, appName: string, whole: number): Promise<boolean> {
  try {
    const data = { failCommands: writeCommands, errorCode: internalError, appName };
    await db.client.db('admin').command({ configureFailPoint: 'failCommand', mode: { skip: whole }, data });
    return true;
  } catch {
    return false;
  }
}

export async function failNoMore(db: Db): Promise<void> {
  await db.client.db('admin').command({ configureFailPoint: 'failCommand', mode: 'off' });
}

/** What happens to a file that failed in the middle. */
export interface HalfDoneSeen {
  /** It failed after so many of its writes. */
  readonly after: number;
  readonly of: number;
  /** Whether it went on although a write had failed. */
  readonly ignored: boolean;
  /** Whether a second `up` leads to the same data as one that nothing disturbed. */
  readonly again: 'same data' | 'other data' | 'fails';
  /** Whether `down` takes the half-done state back; not tried where `up` again led to the same data. */
  readonly down?: 'exact' | 'not exact' | 'fails' | 'missing';
}

/** Files that take longer than so many milliseconds fail in the middle only. */
const quick = 2_000;

/** After how many of its writes a file is made to fail: the first, half of them, all but the last. Pure. */
export function pointsOf(writes: number, milliseconds: number): readonly number[] {
  if (writes < 2) return [];
  const middle = Math.ceil(writes / 2);
  return milliseconds > quick ? [middle] : [...new Set([1, middle, writes - 1])];
}

/** For the table of the report: `after 1, 3, 5 of 6 writes: up again leads to the same data`. */
export function describeHalfDone(all: readonly HalfDoneSeen[]): string {
  const points = new Map<string, number[]>();
  for (const seen of all) {
    const outcome = outcomeText(seen);
    points.set(outcome, [...(points.get(outcome) ?? []), seen.after]);
  }
  return [...points].map(([outcome, after]) => `after ${after.join(', ')} of ${all[0]?.of} writes: ${outcome}`).join('; ');
}

function outcomeText({ again, down }: HalfDoneSeen): string {
  if (again === 'same data') return 'up again leads to the same data';
  const ways = { exact: 'down takes it back', 'not exact': 'down does not take it back', fails: 'down fails', missing: 'there is no down' };
  const repeat = again === 'fails' ? 'up again fails' : 'up again leads to other data';
  return down === undefined ? repeat : `${repeat}, ${ways[down]}`;
}

/** An `up` whose writes of documents fail must fail. A structure that may be there or gone is often tried and not minded. Pure. */
export function judgeBroken({ file, done, observation }: Stepped, place: { readonly file: string }): readonly Finding[] {
  const lost = observation.statements.filter(
    ({ command, errors }) => errors > 0 && /^(insert|update|delete|findAndModify|bulkWrite)$/.test(command),
  );
  if (done === undefined || lost.length === 0) return [];
  const line = lost[0]?.place?.line;
  const what = lost.map(({ command, collection }) => `${command} ${collection}`).slice(0, 3);
  const message = `When writes of ${file.name} fail (${what.join(', ')}), up ends as if all was well, and it would be recorded as applied: let the error end the migration.`;
  return [{ severity: 'error', rule: 'rehearsal/errors-ignored', message, place: { ...place, ...(line === undefined ? {} : { line }) } }];
}

/** A file that says it may run again from its beginning must be able to. Pure. */
export function judgeHalfDone(name: string, seen: HalfDoneSeen, { idempotent, place, comparison }: HalfDoneJudgement): readonly Finding[] {
  if (seen.again === 'same data' || !idempotent) return [];
  const how =
    seen.again === 'fails' || comparison === undefined ? 'the second up fails' : `the data differ: ${describeComparison(comparison)}`;
  const message = `${name} says that it is idempotent, but after a failure in the middle (after ${seen.after} of ${seen.of} writes) a second up does not end as it should: ${how}.`;
  return [{ severity: 'error', rule: 'rehearsal/not-resumable', message, place }];
}

export interface HalfDoneJudgement {
  readonly idempotent: boolean;
  readonly place: { readonly file: string };
  readonly comparison: StateComparison | undefined;
}

/** How the second `up` ended, by what it led to. */
export function outcomeOfRepeat({ failure }: Stepped, comparison: StateComparison | undefined): HalfDoneSeen['again'] {
  if (failure instanceof GuardError || comparison === undefined) return 'fails';
  return isSame(comparison) ? 'same data' : 'other data';
}
