import { describe, expect, test } from '@jest/globals';
import { nameOf, parseNamespace, parseRenames, renamed, selects } from './namespaces.ts';

const orders = { database: 'shop', collection: 'orders' };

describe('selects', () => {
  test.each([
    [{}, true],
    [{ include: [] }, true],
    [{ include: ['shop.orders'] }, true],
    [{ include: ['orders'] }, true],
    [{ include: ['shop.*'] }, true],
    [{ include: ['*rd*'] }, true],
    [{ include: ['shop'] }, false],
    [{ include: ['*shop*'] }, false],
    [{ include: ['order'] }, false],
    [{ include: ['shopXorders'] }, false],
    [{ include: ['users'] }, false],
    [{ exclude: ['orders'] }, false],
    [{ include: ['shop.*'], exclude: ['*.ord*'] }, false],
    [{ exclude: ['users'] }, true],
  ])('shop.orders by %j: %j', (patterns, expected) => {
    expect(selects(patterns, orders)).toBe(expected);
  });

  test('takes every character but * as itself, line breaks too', () => {
    expect(selects({ include: ['a.(b)\n*'] }, { database: 'a', collection: '(b)\nc\nd' })).toBe(true);
  });
});

describe('renamed', () => {
  const rename = (from: string[], to: string[], name: string): string => nameOf(renamed(parseNamespace(name), parseRenames(from, to)));

  test.each([
    [['shop.*'], ['copy.*'], 'shop.orders', 'copy.orders'],
    [['shop.*'], ['copy.*'], 'shop.a.b', 'copy.a.b'],
    [['shop.*'], ['copy.*'], 'other.orders', 'other.orders'],
    [['shop.orders'], ['shop.orders_old'], 'shop.orders', 'shop.orders_old'],
    [['shop.*', 'shop.orders'], ['copy.*', 'best.orders'], 'shop.orders', 'best.orders'],
    [['$db$.$name$'], ['all.$db$_$name$'], 'shop.orders', 'all.shop_orders'],
    [['*.*'], ['*.x_*'], 'shop.orders', 'shop.x_orders'],
  ])('%j to %j makes of %s %s', (from, to, name, expected) => {
    expect(rename(from, to, name)).toBe(expected);
  });

  test.each([
    [['shop.*'], []],
    [['shop.*'], ['copy.orders']],
    [['shop.orders'], ['copy.*']],
    [['$a$.$a$'], ['$a$.$a$']],
  ])('refuses %j to %j', (from, to) => {
    expect(() => parseRenames(from, to)).toThrow(expect.objectContaining({ code: 'input/invalid' }));
  });

  test('refuses a new name that is no namespace', () => {
    expect(() => rename(['shop.*'], ['*'], 'shop.orders')).toThrow(expect.objectContaining({ code: 'input/invalid' }));
  });
});
