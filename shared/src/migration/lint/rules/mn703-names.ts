import path from 'node:path';
import { knownExtensions } from '../../files.ts';
import type { FolderRule } from '../rule.ts';

export const names: FolderRule = {
  code: 'MN703',
  severity: 'error',
  summary:
    'Names that do not give one order: the same timestamp twice, numbers that sort otherwise than they count, a file without timestamp.',
  advice: 'Rename the file before it is applied anywhere: a timestamp of 14 digits (UTC), then words.',
  badNames: ['20260101000000-add-status.js', '20260101000000-index-orders.js'],
  goodNames: ['20260101000000-add-status.js', '20260101000100-index-orders.js'],
  checkNames: (all) => [...twice(all), ...miscounted(all), ...unstamped(all)],
};

interface NameMatch {
  readonly name: string;
  readonly message: string;
}

const stampOf = (name: string): string | undefined => /^\d{10,}/.exec(name)?.[0];

function twice(all: readonly string[]): NameMatch[] {
  return [...Map.groupBy(all, stampOf)].flatMap(([stamp, [first, ...others]]) =>
    stamp === undefined ? [] : others.map((name) => ({ name, message: `It has the same timestamp as ${first}.` })),
  );
}

/** `10-b` sorts before `9-a`. */
function miscounted(all: readonly string[]): NameMatch[] {
  const numbered = all.flatMap((name) => {
    const digits = /^\d+/.exec(name)?.[0];
    return digits === undefined ? [] : [{ name, number: BigInt(digits) }];
  });
  const sorted = numbered.sort((a, b) => (a.name < b.name ? -1 : 1));
  return sorted.flatMap(({ name, number }, index) => {
    const before = sorted[index - 1];
    return before !== undefined && before.number > number
      ? [{ name, message: `It runs after ${before.name}, although its number is lower.` }]
      : [];
  });
}

/** A single file without timestamp among files that have one. */
function unstamped(all: readonly string[]): NameMatch[] {
  const without = all.filter((name) => stampOf(name) === undefined && (knownExtensions as readonly string[]).includes(path.extname(name)));
  if (without.length === 0 || without.length * 3 > all.length) return [];
  return without.map((name) => ({ name, message: 'It has no timestamp, as the other files have.' }));
}
