import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { BSON, Decimal128, Double, Long, ObjectId, UUID } from 'mongodb';
import { compareContents, type ComparisonOptions, type ContentDifference } from './compare-contents.ts';
import { createSpill, type Spill } from './spill.ts';

const spills: Spill[] = [];
afterEach(() => spills.splice(0).forEach((spill) => spill[Symbol.dispose]()));

function spill(documents: readonly object[]): Spill {
  const made = createSpill();
  spills.push(made);
  for (const document of documents) made.append(Buffer.from(BSON.serialize(document)));
  return made;
}

function compare(
  before: readonly object[],
  after: readonly object[],
  options: Partial<ComparisonOptions> = {},
): ContentDifference | undefined {
  return compareContents('things', [spill(before), spill(after)], { reveal: { ids: false, values: false }, ...options });
}

const many = (count: number): { readonly _id: number; readonly n: number }[] =>
  Array.from({ length: count }, (_, _id) => ({ _id, n: _id }));

describe('documents', () => {
  test('the same are no difference, in whatever order', () => {
    expect(compare(many(50), many(50).reverse())).toBeUndefined();
    expect(compare([], [])).toBeUndefined();
  });

  test('that came, went and changed are counted and named', () => {
    const after = [...many(10).filter(({ _id }) => _id !== 3), { _id: 77, n: 1 }].map((one) => (one._id === 5 ? { ...one, n: -1 } : one));
    expect(compare(many(10), after)).toMatchObject({ added: 1, removed: 1, changed: 1, reordered: 0, natural: 0, ids: ['5', '3', '77'] });
  });

  test('larger than a block are found too', () => {
    const large = (text: string) => [{ _id: 1, text: text.repeat(9_000_000) }, ...many(3).slice(2)];
    expect(compare(large('a'), large('b'))).toMatchObject({ changed: 1, ids: ['1'] });
  });

  test('ids that may be personal are not shown, unless it is allowed', () => {
    const [before, after] = [[{ _id: 'ada@example.org', a: 1 }], [{ _id: 'ada@example.org', a: 2 }]];
    expect(compare(before, after)?.ids).toEqual(['(text of 15 characters)']);
    expect(compare(before, after, { reveal: { ids: true, values: false } })?.ids).toEqual(['"ada@example.org"']);
  });
});

test('of very many changed documents some are looked at, and the others are taken to be like them', () => {
  const after = many(40).map((one) => ({ ...one, tier: 'basic' }));
  expect(compare(many(40), after, { examine: 10 })).toMatchObject({ changed: 40, fields: [{ path: 'tier', documents: 40 }] });
});

test('of very many documents that differ by nature each one is looked at', () => {
  const windows = [
    { from: 1e12, to: 1e12 },
    { from: 2e12, to: 2e12 },
  ] as const;
  const at = (time: number) => many(40).map(({ _id }) => ({ _id, at: new Date(time) }));
  const after = at(2e12).map((one) => (one._id === 35 ? { ...one, at: new Date(0) } : one));
  expect(compare(at(1e12), after, { examine: 10, windows })).toMatchObject({ natural: 39, changed: 1, ids: ['35'] });
});

describe('fields', () => {
  test.each([
    ['added', { _id: 1 }, { _id: 1, a: 'x' }, { path: 'a', change: 'added', types: 'string' }],
    ['removed', { _id: 1, a: true }, { _id: 1 }, { path: 'a', change: 'removed', types: 'bool' }],
    ['of another type', { _id: 1, a: 1 }, { _id: 1, a: Long.fromNumber(1) }, { path: 'a', change: 'retyped', types: 'int → long' }],
    ['null instead of missing', { _id: 1 }, { _id: 1, a: null }, { path: 'a', change: 'added', types: 'null' }],
    ['with another value', { _id: 1, a: new Double(0) }, { _id: 1, a: new Double(-0) }, { path: 'a', change: 'changed', types: 'double' }],
    [
      'deep',
      { _id: 1, a: { b: { c: Decimal128.fromString('1') } } },
      { _id: 1, a: { b: { c: Decimal128.fromString('1.0') } } },
      { path: 'a.b.c', change: 'changed' },
    ],
    ['in arrays', { _id: 1, a: [{ b: 1 }, { b: 2 }] }, { _id: 1, a: [{ b: 1 }, { b: 3 }] }, { path: 'a[].b', change: 'changed' }],
  ])('%s', (_what, before, after, expected) => {
    expect(compare([before], [after])?.fields).toMatchObject([{ ...expected, documents: 1 }]);
  });

  test('in another order only, of an array or of the document, are told apart', () => {
    expect(compare([{ _id: 1, a: [1, 2] }], [{ _id: 1, a: [2, 1] }])).toMatchObject({
      changed: 0,
      reordered: 1,
      fields: [{ change: 'array-order' }],
    });
    expect(compare([{ _id: 1, a: 1, b: 2 }], [{ _id: 1, b: 2, a: 1 }])).toMatchObject({
      reordered: 1,
      fields: [{ change: 'field-order' }],
    });
  });

  test('whose values are kept nowhere are lost, moved ones are not', () => {
    expect([...(compare([{ _id: 1, a: 7 }], [{ _id: 1 }])?.lost ?? [])]).toEqual([['a', 1]]);
    expect([...(compare([{ _id: 1, a: 7 }], [{ _id: 1, b: 7 }])?.lost ?? [])]).toEqual([]);
  });
});

describe('by nature', () => {
  const first = { from: Date.parse('2030-01-01T10:00:00Z'), to: Date.parse('2030-01-01T10:00:05Z') };
  const second = { from: Date.parse('2030-01-01T10:01:00Z'), to: Date.parse('2030-01-01T10:01:05Z') };
  const windows = [first, second] as const;
  const idAt = (time: number): ObjectId => new ObjectId(`${Math.floor(time / 1_000).toString(16)}${randomBytes(8).toString('hex')}`);

  test.each([
    ['dates of now', new Date(first.from + 1), new Date(second.from + 1), 'time of the run'],
    ['milliseconds of now', new Double(first.from + 1), new Double(second.from + 1), 'time of the run'],
    ['ISO texts of now', new Date(first.from).toISOString(), new Date(second.from).toISOString(), 'time of the run'],
    ['new ObjectIds', idAt(first.from), idAt(second.from), 'generated id'],
    ['new ObjectIds as text', idAt(first.from).toHexString(), idAt(second.from).toHexString(), 'generated id'],
    ['random UUIDs', new UUID(), new UUID(), 'generated id'],
    ['random UUIDs as text', new UUID().toHexString(), new UUID().toHexString(), 'generated id'],
  ])('%s', (_what, before, after, nature) => {
    const found = compare([{ _id: 1, at: before }], [{ _id: 1, at: after }], { windows });
    expect(found).toMatchObject({ changed: 0, natural: 1, natures: [{ path: 'at', nature, documents: 1 }] });
    expect(compare([{ _id: 1, at: before }], [{ _id: 1, at: after }])).toMatchObject({ changed: 1, natural: 0 });
  });

  test.each([
    ['a date that is none of now', new Date(0), new Date(second.from)],
    ['another number', 1, 2],
    ['another text', 'a', 'b'],
    ['a date that became text', new Date(first.from), new Date(second.from).toISOString()],
  ])('%s is a fault', (_what, before, after) => {
    expect(compare([{ _id: 1, at: before }], [{ _id: 1, at: after }], { windows })).toMatchObject({ changed: 1, natural: 0 });
  });

  test('documents with new ids are the same when all else is', () => {
    const made = (time: number, extra: object = {}): object => ({ _id: idAt(time), name: 'Aden', at: new Date(time), ...extra });
    expect(compare([made(first.from)], [made(second.from)], { windows })).toMatchObject({
      added: 0,
      removed: 0,
      natural: 1,
      natures: [{ path: '_id' }],
    });
    expect(compare([made(first.from)], [made(second.from, { more: 1 })], { windows })).toMatchObject({ added: 1, removed: 1, natural: 0 });
    expect(compare([made(first.from)], [made(second.from), made(second.from)], { windows })).toMatchObject({
      added: 1,
      removed: 0,
      natural: 1,
    });
  });

  test('a field that tells the last change may be set to now from any time', () => {
    const [before, after] = [[{ _id: 1, updatedAt: new Date(0) }], [{ _id: 1, updatedAt: new Date(second.from) }]];
    expect(compare(before, after, { windows, touchFields: /^updatedAt$/ })).toMatchObject({ changed: 0, natural: 1 });
  });
});
