import { describe, expect, test } from '@jest/globals';
import { checkRecords, type JournalRecord, type Records } from './records.ts';

const point = { createdAt: '2026-01-01T00:00:00.000Z', history: ['1.js'], planned: ['2.js', '3.js'] };
const before = new Date('2025-12-31T00:00:00.000Z');
const after = new Date('2026-01-01T00:00:01.000Z');

function failures(records: Partial<Records>): readonly string[] {
  return checkRecords({ point, history: ['1.js', '2.js', '3.js'], journal: [], ...records })
    .filter(({ status }) => status === 'failed')
    .map(({ subject, found }) => `${subject}: ${found}`);
}

describe('migration records', () => {
  test('hold when the changelog holds what was applied before and what was planned', () => {
    const results = checkRecords({ point, history: ['1.js', '2.js', '3.js'], journal: [] });
    expect(results.map(({ subject, status }) => `${subject} ${status}`)).toEqual(['2.js passed', '3.js passed', 'changelog passed']);
  });

  test('fail when a planned migration is not recorded', () => {
    const results = checkRecords({ point, history: ['1.js', '2.js'], journal: [] });
    expect(results.find(({ status }) => status === 'failed')).toMatchObject({
      subject: '3.js',
      found: 'not recorded',
      signals: { 'failed-migrations': { value: 1 } },
    });
  });

  test('fail when an earlier record is gone', () => {
    expect(failures({ history: ['2.js', '3.js'] })).toEqual(['1.js: not recorded']);
  });

  test('fail when something else was applied', () => {
    expect(failures({ history: ['1.js', '2.js', '3.js', '9.js'] })).toEqual(['9.js: recorded, though it was not planned']);
  });

  test.each(['STARTED', 'FINISHED', 'FAILED', 'INTERRUPTED', 'ROLLBACK_FAILED'] as const)(
    'fail when the journal says %s of a planned file',
    (state) => {
      expect(failures({ journal: [{ file: '3.js', state, at: after }] })).toEqual([`3.js: ${state}`]);
    },
  );

  test.each<[string, JournalRecord]>([
    ['applied', { file: '3.js', state: 'APPLIED', at: after }],
    ['of an earlier release', { file: '0.js', state: 'FAILED', at: before }],
    ['rolled back since', { file: '9.js', state: 'ROLLED_BACK', at: after }],
  ])('hold with a journal entry that is %s', (_, entry) => {
    expect(failures({ journal: [entry] })).toEqual([]);
  });

  test('fail for a file of this release that was not planned', () => {
    expect(failures({ journal: [{ file: '9.js', state: 'FAILED', at: after }] })).toEqual(['9.js: FAILED']);
  });

  test('say nothing when nothing was planned and nothing applied', () => {
    expect(checkRecords({ point: { ...point, history: [], planned: [] }, history: [], journal: [] })).toEqual([]);
  });
});
