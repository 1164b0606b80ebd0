import { describe, expect, test } from '@jest/globals';
import type { ListedBackup } from './list.ts';
import { leaveHeld, parseKeep, planPrune } from './retention.ts';

const now = new Date('2026-08-20T12:00:00Z');
const stamp = (time: number): string => `${new Date(time).toISOString().replace(/[-:]|\.\d+/g, '')}-00000a`;
const daysAgo = (days: number): number => now.getTime() - days * 86_400_000;

function committed(days: number, proof?: 'read' | 'restore'): ListedBackup {
  const id = stamp(daysAgo(days));
  const digest = { documents: 0, bytes: 0, sum: '0'.repeat(32) };
  const proven = proof === undefined ? undefined : ({ version: 1, kind: proof, at: '', digest } as const);
  const manifest = { id, collections: [] as readonly object[] } as Extract<ListedBackup, { status: 'committed' }>['manifest'];
  return { id, status: 'committed', manifest, proof: proven };
}
const broken = (days: number, status: 'unfinished' | 'damaged'): ListedBackup => ({ id: stamp(daysAgo(days)), status, reason: '' });

function kept(backups: readonly ListedBackup[], rules: string[]): number[] {
  const { keep } = planPrune(backups, parseKeep(rules), now);
  return keep.map((backup) => backups.length - 1 - backups.indexOf(backup));
}

/** One backup a day, oldest first; index 0 of the results is today. */
const daily = (count: number): ListedBackup[] => Array.from({ length: count }, (_, index) => committed(count - 1 - index));

describe('planPrune', () => {
  test.each([
    [['last: 2'], [1, 0]],
    [['days: 3'], [2, 1, 0]],
    [
      ['last: 1', 'days: 2'],
      [1, 0],
    ],
    // 20 August 2026 is a Thursday: the newest of each week are today and the Sundays before it.
    [['weekly: 3'], [11, 4, 0]],
    [['monthly: 2'], [20, 0]],
    [['last: 0'], [0]],
  ])('keeps by %j what was asked for', (rules, expected) => {
    expect(kept(daily(40), rules)).toEqual(expected);
  });

  test('fault 11: always keeps the newest proven backup', () => {
    expect(kept([committed(3, 'read'), committed(2, 'restore'), committed(1), committed(0)], ['last: 1'])).toEqual([2, 0]);
  });

  test('fault 11: backups by a query do not stand for the ones that hold everything', () => {
    const whole = committed(3, 'restore');
    const partial = [2, 1, 0].map((days): ListedBackup => {
      const backup = committed(days, 'read');
      const collections = [{ query: '{"active":true}' }];
      return { ...backup, manifest: { id: backup.id, collections } } as unknown as ListedBackup;
    });
    expect(kept([whole, ...partial], ['last: 1'])).toEqual([3, 0]);
  });

  test('leaves damaged ones to a person, and unfinished ones for a day', () => {
    const backups = [broken(9, 'damaged'), broken(2, 'unfinished'), committed(1), broken(0.5, 'unfinished')];
    expect(planPrune(backups, parseKeep(['last: 1']), now).remove).toEqual([backups[1]]);
  });
});

test('what another engine keeps is left to that engine', () => {
  const held = {
    id: committed(5).id,
    status: 'committed',
    manifest: { collections: [], held: { engine: 'pbm' } },
    proof: undefined,
  } as unknown as ListedBackup;
  const plan = { remove: [held, committed(4)], keep: [committed(1)] };
  const left = leaveHeld(plan, undefined);
  expect(left.remove).toEqual([committed(4)]);
  expect(left.keep).toEqual([held, committed(1)]);
  expect(left.held).toEqual([{ id: held.id, by: 'pbm' }]);
  expect(leaveHeld(plan, 'atlas').remove).toEqual([committed(4)]);
  expect(leaveHeld(plan, 'pbm').remove).toEqual([held, committed(4)]);
});

describe('parseKeep', () => {
  test('reads both ways of writing', () => {
    expect(parseKeep(['last: 3', 'days=7'])).toEqual({ last: 3, days: 7, weekly: 0, monthly: 0 });
  });

  test.each(['yearly: 1', 'last', 'days: many', 'toString: 1'])('refuses %s', (rule) => {
    expect(() => parseKeep([rule])).toThrow(expect.objectContaining({ code: 'input/invalid' }));
  });
});
