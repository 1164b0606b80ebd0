import { describe, expect, test } from '@jest/globals';
import { formatBytes } from './format-bytes.ts';
import { silentLog } from './log.ts';
import { startProgress } from './progress.ts';

describe('startProgress', () => {
  test('speaks after five seconds, then every ten, with rate and time left', () => {
    const lines: string[] = [];
    let now = 0;
    const log = { ...silentLog, info: (line: string) => lines.push(line) };
    const progress = startProgress({ log, doing: 'Reading', total: { documents: 4_000, bytes: 40e6 }, clock: () => now });
    for (now = 1_000; now <= 20_000; now += 1_000) progress.add(100, 1e6);
    expect(lines).toEqual([
      'Reading: 500 of 4,000 documents, 5.0 MB of 40 MB, 1.0 MB/s, about 35 s left',
      'Reading: 1,500 of 4,000 documents, 15 MB of 40 MB, 1.0 MB/s, about 25 s left',
    ]);
    expect(progress.summary()).toBe('2,000 documents, 20 MB in 21.0 s (952 KB/s)');
  });

  test('promises nothing when the total is unknown or was passed', () => {
    const lines: string[] = [];
    const log = { ...silentLog, info: (line: string) => lines.push(line) };
    let now = 0;
    const clock = (): number => now;
    const unknown = startProgress({ log, doing: 'A', clock });
    const passed = startProgress({ log, doing: 'B', total: { documents: 1, bytes: 1 }, clock });
    now = 5_000;
    unknown.add(2, 10);
    passed.add(2, 10);
    expect(lines).toEqual(['A: 2 documents, 10 B, 2 B/s', 'B: 2 documents, 10 B, 2 B/s']);
  });
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_500, '1.5 KB'],
  [583e6, '583 MB'],
  [1.25e9, '1.3 GB'],
  [5e18, '5000 PB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
