import { describe, expect, test } from '@jest/globals';
import { noEffects, type Effects } from './effects.ts';
import type { JournalEntry, JournalState } from './journal.ts';
import { recover } from './recovery.ts';

const changed: Effects = { ...noEffects, collections: { orders: { inserted: 0, modified: 3, deleted: 0 } } };

function journalOf(state: JournalState, effects?: Effects): ReadonlyMap<string, JournalEntry> {
  const entry = { file: '1.js', state, at: new Date(0), run: 'run 1', fence: 1, step: 1, ...(effects === undefined ? {} : { effects }) };
  return new Map([['1.js', entry]]);
}

describe('recover', () => {
  test.each<[JournalState, Effects | undefined, boolean]>([
    ['STARTED', undefined, true],
    ['FAILED', changed, true],
    ['FAILED', undefined, true],
    ['FAILED', noEffects, false],
    ['INTERRUPTED', changed, true],
    ['INTERRUPTED', noEffects, false],
    ['ROLLBACK_FAILED', undefined, true],
    ['ROLLING_BACK', undefined, true],
    ['ROLLED_BACK', changed, false],
    ['APPLIED', changed, false],
    ['FINISHED', changed, false],
  ])('after %s with %j half-done is %s', (state, effects, expected) => {
    expect(recover(['1.js'], journalOf(state, effects), () => false).halfDone).toHaveLength(expected ? 1 : 0);
    expect(recover(['1.js'], journalOf(state, effects), () => true).halfDone).toEqual([]);
  });

  test('says what is known and what is not', () => {
    const [failed] = recover(['1.js'], journalOf('FAILED', changed), () => false).halfDone;
    expect(failed).toMatchObject({
      known: '1.js failed at 1970-01-01T00:00:00.000Z by run 1, after orders: 3 modified',
      unknown: 'whether 1.js may run again from its beginning',
    });
    const [killed] = recover(['1.js'], journalOf('STARTED'), () => false).halfDone;
    expect(killed?.unknown).toBe('how much of 1.js is in the data');
  });

  test('a file whose up had ended is only to be recorded', () => {
    expect(recover(['1.js'], journalOf('FINISHED', changed), () => false).finished.map(({ file }) => file)).toEqual(['1.js']);
  });

  test('files that are not pending are of no concern', () => {
    expect(recover(['2.js'], journalOf('STARTED'), () => false)).toEqual({ finished: [], halfDone: [] });
  });
});
