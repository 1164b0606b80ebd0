import { expect, test } from '@jest/globals';
import { rulesOf, type MaskRule, type RulesAt } from './rules.ts';

function methodAt(rules: readonly MaskRule[], collection: string, ...path: string[]): RulesAt['method'] {
  return path.reduce((place, name) => place.below(name), rulesOf(rules, collection)).method;
}

const rules: readonly MaskRule[] = [
  { pattern: '*.email', method: 'fake' },
  { pattern: 'users.address', method: 'null' },
  { pattern: 'users.address.country', method: 'keep' },
  { pattern: '**.secret', method: 'hash' },
  { pattern: 'audit.2024.**', method: 'hash' },
  { pattern: 'users.email', method: 'keep' },
  { pattern: 'keyed._id', method: 'fake' },
];

test.each([
  ['one step stands for any collection', 'orders', ['email'], 'fake'],
  ['the last rule that fits counts', 'users', ['email'], 'keep'],
  ['a rule holds for all below', 'users', ['address', 'street', 'number'], 'null'],
  ['unless a deeper place has its own', 'users', ['address', 'country'], 'keep'],
  ['any number of steps', 'orders', ['a', 'b', 'secret'], 'hash'],
  ['none included', 'orders', ['secret'], 'hash'],
  ['a whole collection whose name holds a dot', 'audit.2024', ['anything', 'below'], 'hash'],
  ['no rule', 'orders', ['total'], undefined],
  ['an _id is meant by no rule for all', 'audit.2024', ['_id'], undefined],
  ['nor what is in it', 'audit.2024', ['_id', 'by'], undefined],
  ['but by one that names it', 'keyed', ['_id'], 'fake'],
  ['an _id further down is a field like others', 'audit.2024', ['by', '_id'], 'hash'],
  ['one step is not two', 'orders', ['customer', 'email'], undefined],
] as const)('%s', (_what, collection, path, method) => {
  expect(methodAt(rules, collection, ...path)).toBe(method);
});
