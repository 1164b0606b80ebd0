import { describe, expect, test } from '@jest/globals';
import { startTimeline } from './timeline.ts';

function print(isTTY: boolean): string {
  let text = '';
  let now = 1_000;
  const timeline = startTimeline({ isTTY, write: (piece) => (text += piece) }, () => now);
  now += 12_340;
  timeline.step('bad', 'verify', { milliseconds: 1_250, text: 'failed, as it should' });
  timeline.detail('orders: -33 %');
  timeline.end('good', 'rolled back, proven');
  return text;
}

describe('the timeline', () => {
  test('shows time, mark, name, duration and result of each step', () => {
    const lines = ['12.3 s  ✘ verify                1.3 s  failed, as it should', '│ orders: -33 %', '', '✔ rolled back, proven', ''];
    expect(
      print(false)
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual(lines);
  });

  test('wraps long details', () => {
    let text = '';
    const timeline = startTimeline({ write: (piece) => (text += piece) }, () => 0);
    timeline.detail(`${'word '.repeat(30)}${'x'.repeat(200)}`);
    expect(text.match(/│ .*/g)).toEqual([`│ ${'word '.repeat(22).trim()}`, `│ ${'word '.repeat(8).trim()}`, `│ ${'x'.repeat(200)}`]);
  });

  test('uses colours only on a terminal', () => {
    expect(print(false)).not.toContain('\u001B');
    expect(print(true)).toContain('\u001B[32m✔ rolled back, proven\u001B[0m');
  });
});
