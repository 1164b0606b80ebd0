import { describe, expect, test } from '@jest/globals';
import { BSON, Binary, Long, type Document } from 'mongodb';
import { EntryFilter } from './entry-filter.ts';

const raw = (entry: Document): Buffer => Buffer.from(BSON.serialize(entry));
const uuid = (byte: number): Binary => new Binary(Buffer.alloc(16, byte), 4);
const command = (o: Document, more: Document = {}): Document => ({ op: 'c', ns: 'shop.$cmd', o, ...more });
const insert = (collection: string): Document => ({ op: 'i', ns: `shop.${collection}`, ui: uuid(1), o: { _id: 1 } });
const inTransaction = (o: Document, id = 1): Document => ({
  op: 'c',
  ns: 'admin.$cmd',
  lsid: { id },
  txnNumber: Long.fromNumber(7),
  o,
});

/** Takes every collection of `shop` but `secret` and what belongs to the server. */
const filter = (): EntryFilter =>
  new EntryFilter(({ database, collection }) => database === 'shop' && collection !== 'secret' && !collection.startsWith('system.'));

/** What is kept of each entry: `undefined`, or the entry. */
function kept(entries: readonly Document[], by = filter()): readonly (Document | undefined)[] {
  return entries.map((entry) => {
    const bytes = by.keep(raw(entry));
    return bytes === undefined ? undefined : BSON.deserialize(bytes, { promoteLongs: false });
  });
}

test('writes to wanted collections are kept, those of a time series by its name', () => {
  const entries = [
    insert('orders'),
    insert('secret'),
    insert('system.buckets.series'),
    insert('system.buckets.secret'),
    insert('system.views'),
  ];
  expect(kept([...entries, { op: 'n', ns: '', o: { msg: 'noop' } }]).map((entry) => entry?.['ns'])).toEqual([
    'shop.orders',
    undefined,
    'shop.system.buckets.series',
    undefined,
    undefined,
    undefined,
  ]);
});

describe('a transaction', () => {
  test('that wrote elsewhere too is kept without that', () => {
    const [entry] = kept([inTransaction({ applyOps: [insert('secret'), insert('orders'), insert('secret')] })]);
    expect(entry?.['o'].applyOps.map(({ ns }: Document) => ns)).toEqual(['shop.orders']);
    expect(entry?.['txnNumber']).toEqual(Long.fromNumber(7));
  });

  test('that wrote only elsewhere is not kept, nor is its end', () => {
    const parts = [inTransaction({ applyOps: [insert('secret')], partialTxn: true }), inTransaction({ applyOps: [insert('secret')] })];
    expect(kept([...parts, inTransaction({ commitTransaction: 1 })])).toEqual([undefined, undefined, undefined]);
  });

  test('in parts is kept with its end, even when that wrote only elsewhere', () => {
    const parts = [inTransaction({ applyOps: [insert('orders')], partialTxn: true }), inTransaction({ applyOps: [insert('secret')] })];
    expect(kept(parts).map((entry) => entry?.['o'].applyOps.length)).toEqual([1, 0]);
  });

  test.each(['commitTransaction', 'abortTransaction'])('that was prepared is kept with its %s, once', (end) => {
    const parts = [
      inTransaction({ applyOps: [insert('orders')], prepare: true }),
      inTransaction({ [end]: 1 }),
      inTransaction({ [end]: 1 }),
    ];
    expect(kept(parts).map((entry) => entry !== undefined)).toEqual([true, true, false]);
  });
});

describe('a command', () => {
  test('is kept when it is about a wanted collection; that for a whole database never', () => {
    const entries = [
      command({ create: 'orders' }),
      command({ createIndexes: 'secret', key: { a: 1 } }),
      command({ drop: 'orders' }),
      command({ dropDatabase: 1 }),
    ];
    expect(kept(entries).map((entry) => entry !== undefined)).toEqual([true, false, true, false]);
  });

  test.each([
    ['of an older collection', [], 'shop.tmp', 'shop.orders', 'shop.tmp'],
    ['of one that came into being meanwhile', [command({ create: 'tmp' }, { ui: uuid(3) })], 'shop.tmp', 'shop.orders', undefined],
    [
      'out of a collection that is not wanted',
      [command({ create: 'secret' }, { ui: uuid(3) })],
      'shop.secret',
      'shop.orders',
      'shop.secret',
    ],
    ['of what is not wanted at all', [], 'shop.secret', 'other.a', undefined],
  ])('that renames: %s', (_what, before, from, to, moved) => {
    const by = filter();
    kept([...before, command({ renameCollection: from, to }, { ui: uuid(3) })], by);
    expect(by.moved).toBe(moved);
  });

  test('that makes another collection in place is said', () => {
    const by = filter();
    kept([command({ convertToCapped: 'orders', size: 4_096 })], by);
    expect(by.moved).toBe('shop.orders');
  });
});
