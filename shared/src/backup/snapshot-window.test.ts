import { describe, expect, test } from '@jest/globals';
import { silentLog, type Log } from '../log/log.ts';
import { startProgress } from '../log/progress.ts';
import { tooLongFor, watchedProgress } from './snapshot-window.ts';

const minute = 60_000;

describe('the time that a snapshot needs', () => {
  test.each([
    ['fits', { total: 1_000, done: 500, elapsed: 2 * minute, window: 5 * minute }, undefined],
    ['does not fit', { total: 1_000, done: 100, elapsed: minute, window: 5 * minute }, 10 * minute],
    ['is not known yet: too early', { total: 1_000, done: 100, elapsed: 1_000, window: 5 * minute }, undefined],
    ['is not known yet: too little', { total: 1_000, done: 5, elapsed: minute, window: 5 * minute }, undefined],
    ['is over', { total: 1_000, done: 1_000, elapsed: 10 * minute, window: 5 * minute }, undefined],
  ])('%s', (_what, pace, expected) => {
    expect(tooLongFor(pace)).toBe(expected);
  });

  test('is only said, once, when no weaker consistency may be taken', () => {
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warning: (line) => warnings.push(line) };
    let minutes = 0;
    const now = (): Date => new Date(minutes * minute);
    const progress = startProgress({ log: silentLog, doing: 'Backing up' });
    const watched = watchedProgress({ progress, total: 1_000, window: 300, log, now, mayGiveUp: false });
    for (; minutes < 5; minutes++) watched.add(1, 20);
    expect(warnings).toEqual([
      expect.stringMatching(/^Reading will take about \d+ s, .* for 300 s\. Raise minSnapshotHistoryWindowInSeconds/),
    ]);
    expect(watched.summary()).toContain('5 documents');
  });
});
