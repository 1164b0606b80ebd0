import { expect, test } from '@jest/globals';
import { parseOplogLimit } from './limit.ts';

test.each([
  ['1795273397', { t: 1_795_273_397, i: 0 }],
  ['1795273397.12', { t: 1_795_273_397, i: 12 }],
  ['1795273397:12', { t: 1_795_273_397, i: 12 }],
  ['2026-11-21T15:00:00Z', { t: Date.UTC(2026, 10, 21, 15) / 1_000, i: 0 }],
  ['2026-11-21T15:00:00.2Z', { t: Date.UTC(2026, 10, 21, 15) / 1_000 + 1, i: 0 }],
])('the limit %s', (text, { t, i }) => {
  expect(parseOplogLimit(text)).toMatchObject({ t, i });
});

test.each(['yesterday', '2026-11-21', '1.2.3', ''])('%j is no limit', (text) => {
  expect(() => parseOplogLimit(text)).toThrow(expect.objectContaining({ code: 'input/invalid' }));
});
