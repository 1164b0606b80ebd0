import { describe, expect, test } from '@jest/globals';
import { parseDefinition } from './definition.ts';

const namespace = { database: 'shop', collection: 'orders' };
const idIndex = '{"v":{"$numberInt":"2"},"key":{"_id":{"$numberInt":"1"}},"name":"_id_"}';

describe('the definition of a collection', () => {
  test('without metadata is the default one', () => {
    expect(parseDefinition('', namespace)).toEqual({
      database: 'shop',
      name: 'orders',
      type: 'collection',
      options: '{}',
      indexes: [idIndex],
    });
  });

  test('of an older server loses what a newer one would refuse', () => {
    const text =
      '{"options":{"autoIndexId":false,"flags":1,"capped":true,"size":4096},"indexes":[{"v":1,"key":{"a":1.0},"name":"a_1","ns":"shop.orders","dropDups":true}]}';
    expect(parseDefinition(text, namespace)).toMatchObject({
      options: '{"capped":true,"size":{"$numberInt":"4096"}}',
      indexes: [idIndex, '{"v":{"$numberInt":"2"},"key":{"a":{"$numberDouble":"1.0"}},"name":"a_1"}'],
    });
  });

  test.each([
    ['{"options":{"viewOn":"a","pipeline":[]},"indexes":[]}', 'view', []],
    ['{"options":{"timeseries":{"timeField":"t"}},"indexes":[]}', 'timeseries', []],
    ['{"options":{"clusteredIndex":{"key":{"_id":1},"unique":true}},"indexes":[]}', 'collection', []],
  ])('%s is of the type %s', (text, type, indexes) => {
    expect(parseDefinition(text, namespace)).toMatchObject({ type, indexes });
  });

  test('gives its collation to the index that a server makes by itself', () => {
    const [index] = parseDefinition('{"options":{"collation":{"locale":"de"}},"indexes":[]}', namespace).indexes;
    expect(index).toContain('"collation":{"locale":"de"}');
  });
});
