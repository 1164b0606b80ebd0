import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BSON, Binary, BSONRegExp, BSONSymbol, Code, Decimal128, Double, Int32, Long, MaxKey, MinKey, ObjectId, Timestamp } from 'mongodb';
import { parseExtendedJson, toExtendedJson, toRaw } from './extended-json.ts';

const serialize = (value: Map<string, unknown>): Buffer => Buffer.from(BSON.serialize(value));

const leaf = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, new MinKey(), new MaxKey(), new Double(-0), new Double(NaN), new Double(Infinity)),
  fc.integer().map((number) => new Int32(number)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((number) => Long.fromBigInt(number)),
  fc.double({ noNaN: true }).map((number) => new Double(number)),
  fc.string({ unit: 'grapheme' }),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => new ObjectId(bytes)),
  fc.tuple(fc.uint8Array(), fc.constantFrom(0, 2, 5, 128)).map(([bytes, subType]) => new Binary(bytes, subType)),
  fc.tuple(fc.nat(), fc.nat()).map(([t, i]) => new Timestamp({ t, i })),
  fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map((number) => Decimal128.fromString(`${number}E-5`)),
  fc.constantFrom(new BSONRegExp('^a"\\d', 'im'), new BSONSymbol('s'), new Code('return 1'), new Code('x', { x: 1 })),
);
const name = fc.oneof(
  fc.stringMatching(/^[a-z]{1,4}$/),
  fc.nat({ max: 50 }).map(String),
  fc.constantFrom('', 'a b', 'ключ', '"', '$match'),
);
const { document } = fc.letrec<{ document: Map<string, unknown>; value: unknown }>((tie) => ({
  document: fc.uniqueArray(fc.tuple(name, tie('value')), { selector: ([key]) => key, maxLength: 6 }).map((members) => new Map(members)),
  value: fc.oneof({ depthSize: 'small' }, leaf, fc.array(leaf, { maxLength: 4 }), tie('document')),
}));

describe('canonical Extended JSON', () => {
  test('comes back to the same bytes for every type and order of keys', () => {
    fc.assert(
      fc.property(document, (members) => {
        const raw = serialize(members);
        expect(toRaw(parseExtendedJson(toExtendedJson(raw)))).toEqual(raw);
      }),
      { numRuns: 500 },
    );
  });

  test('keeps the order of integer-like keys', () => {
    const raw = serialize(
      new Map([
        ['10', new Int32(1)],
        ['2', new Int32(-1)],
      ]),
    );
    expect(toExtendedJson(raw)).toBe('{"10":{"$numberInt":"1"},"2":{"$numberInt":"-1"}}');
    expect([...parseExtendedJson(toExtendedJson(raw)).keys()]).toEqual(['10', '2']);
  });

  test('is what the driver writes', () => {
    const value = {
      a: 1.5,
      b: [Long.fromNumber(7), 'x"\n'],
      c: new Date(5),
      d: new Binary(Buffer.from([1]), 0),
      e: new Timestamp({ t: 1, i: 2 }),
    };
    expect(toExtendedJson(BSON.serialize(value))).toBe(BSON.EJSON.stringify(value, { relaxed: false }));
  });

  test('names the deprecated types', () => {
    const pointer = Buffer.from('1a0000000c610002000000620056e1fc72e0c917e9c471416100', 'hex');
    expect(toExtendedJson(pointer)).toBe('{"a":{"$dbPointer":{"$ref":"b","$id":{"$oid":"56e1fc72e0c917e9c4714161"}}}}');
    expect(toExtendedJson(Buffer.from('0800000006610000', 'hex'))).toBe('{"a":{"$undefined":true}}');
  });

  test('takes plain numbers and white space', () => {
    expect(toRaw(parseExtendedJson(' { "a" : 1, "b" : [ 3000000000 , 1.5 ], "c": {} } '))).toEqual(
      serialize(
        new Map<string, unknown>([
          ['a', new Int32(1)],
          ['b', [Long.fromNumber(3e9), new Double(1.5)]],
          ['c', {}],
        ]),
      ),
    );
  });

  test.each(['', '[]', '{"a":}', '{"a":1', '{"a":1}x', '{"a" 1}', '{"$oid":1}x', '{"a":{"$date":{}}}', '{"a":{"$binary":1}}'])(
    'refuses %s',
    (text) => {
      expect(() => parseExtendedJson(text)).toThrow(SyntaxError);
    },
  );
});
