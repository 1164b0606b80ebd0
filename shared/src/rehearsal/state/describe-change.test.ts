import { expect, test } from '@jest/globals';
import { BSON, Decimal128 } from 'mongodb';
import { describeChange } from './describe-change.ts';
import { fieldDifferences } from './field-differences.ts';

test.each([
  [{ a: 1 }, { a: Decimal128.fromString('1') }, 'a: int → decimal', 'a: 1 → {"$numberDecimal":"1"}'],
  [{ a: 'open' }, { a: 'closed' }, 'a: string of 4 → string of 6', 'a: "open" → "closed"'],
  [{ a: 1 }, { a: 2 }, 'a: another int', 'a: 1 → 2'],
  [{}, { a: [1, 2] }, 'a: nothing → array of 2', 'a: nothing → [1,2]'],
  [{ a: { b: true } }, {}, 'a: object → nothing', 'a: {"b":true} → nothing'],
  [{ a: [1, 2] }, { a: [2, 1] }, 'a: another order of the elements', 'a: another order of the elements'],
  [{ a: 1, b: 2 }, { b: 2, a: 1 }, 'the document: another order of the fields', 'the document: another order of the fields'],
  [{}, { a: 'x'.repeat(100) }, 'a: nothing → string of 100', `a: nothing → "${'x'.repeat(59)}…`],
])('%j to %j', (before, after, masked, shown) => {
  const [difference] = fieldDifferences(Buffer.from(BSON.serialize(before)), Buffer.from(BSON.serialize(after)));
  if (difference === undefined) throw new Error('no difference');
  expect(describeChange(difference, { values: false })).toBe(masked);
  expect(describeChange(difference, { values: true })).toBe(shown);
});
