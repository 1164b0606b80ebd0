import { expect, test } from '@jest/globals';
import type { Statement } from '../migration/observation.ts';
import { emptyStatement } from '../testing/statement.ts';
import { wrongCollections } from './wrong-collection.ts';

const statement = (command: string, collection: string): Statement => ({ ...emptyStatement, command, collection });

test.each([
  ['order', 'orders'],
  ['Orders', 'orders'],
  ['oders', 'orders'],
  ['odrers', 'orders'],
  ['ordersx', 'orders'],
  ['order_items', 'orderItems'],
])('%s is a slip for %s', (written, meant) => {
  expect(wrongCollections({ statements: [statement('update', written)] }, [meant])).toEqual([{ collection: written, meant }]);
});

test.each([
  ['orders', ['orders']],
  ['orders2', ['orders']],
  ['orders_archive', ['orders']],
  ['settings', ['orders']],
  ['cart', ['card']],
])('%s beside %j is none', (written, existing) => {
  expect(wrongCollections({ statements: [statement('insert', written)] }, existing)).toEqual([]);
});

test('a collection that is made on purpose is none', () => {
  expect(wrongCollections({ statements: [statement('create', 'order'), statement('insert', 'order')] }, ['orders'])).toEqual([]);
});
