import { describe, expect, test } from '@jest/globals';
import { ReachChoice, type Reach } from './reach.ts';

/** The reaches of so many frames of which each becomes as small as `share` says. */
function chosen(frames: number, share: (reach: Reach, frame: number) => number): readonly Reach[] {
  const choice = new ReachChoice();
  return Array.from({ length: frames }, (_, frame) => {
    const reach = choice.next();
    choice.learn(reach, { plain: 1_000, stored: 1_000 * share(reach, frame) });
    return reach;
  });
}

const count = (reaches: readonly Reach[], wanted: Reach): number => reaches.filter((reach) => reach === wanted).length;

describe('the reach of zstd', () => {
  test('is tried far and near first', () => {
    expect(chosen(2, () => 0.25)).toEqual(['far', 'near']);
  });

  test('stays far where that makes frames smaller, but for trials', () => {
    const reaches = chosen(96, (reach) => (reach === 'far' ? 0.07 : 0.16));
    expect(count(reaches, 'near')).toBe(3);
  });

  test('is near where far saves next to nothing, but for trials', () => {
    const reaches = chosen(96, (reach) => (reach === 'far' ? 0.248 : 0.25));
    expect(count(reaches, 'far')).toBe(1 + 2);
  });

  test('follows data that change', () => {
    const reaches = chosen(128, (reach, frame) => (reach === 'far' && frame >= 40 ? 0.1 : 0.25));
    expect(reaches.slice(2, 33)).toEqual(Array.from({ length: 31 }, () => 'near'));
    expect(count(reaches.slice(66), 'near')).toBe(1);
  });

  test('is far as long as nothing came of the first frames', () => {
    const choice = new ReachChoice();
    expect([choice.next(), choice.next(), choice.next(), choice.next()]).toEqual(['far', 'near', 'far', 'far']);
  });
});
