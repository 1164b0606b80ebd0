import { describe, expect, test } from '@jest/globals';
import { parseJsonPath, valueAt } from './json-path.ts';

describe('parseJsonPath', () => {
  test.each([
    ['$', []],
    ['$.order.id', ['order', 'id']],
    ['$.items[0].sku', ['items', 0, 'sku']],
    ["$['a b'][12].c-d", ['a b', 12, 'c-d']],
  ])('reads %s', (text, path) => {
    expect(parseJsonPath(text)).toEqual(path);
  });

  test.each(['order.id', '$order', '$..id', '$.items[*]', '$.items[?(@.a)]', '$.items[-1]', '$.', ''])('refuses %j', (text) => {
    expect(parseJsonPath(text)).toBeUndefined();
  });
});

describe('valueAt', () => {
  const value = { order: { id: 7, note: null }, items: [{ sku: 'a' }] };

  test.each([
    ['$.order.id', 7],
    ['$.order.note', null],
    ['$.items[0].sku', 'a'],
    ['$', value],
  ])('finds %s', (text, found) => {
    expect(valueAt(value, parseJsonPath(text) ?? ['no path'])).toEqual(found);
  });

  test.each(['$.order.total', '$.order.note.deeper', '$.items[1].sku', '$.items.length', '$.constructor', '$.order.id.x'])(
    'finds nothing at %s',
    (text) => {
      expect(valueAt(value, parseJsonPath(text) ?? [])).toBeUndefined();
    },
  );
});
