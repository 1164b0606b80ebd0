import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BSON } from 'mongodb';
import { InvalidBson, rawDocument } from './raw-bson.ts';
import { validateDocument } from './validate-bson.ts';

const raw = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

test('whatever the driver writes is valid', () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string({ unit: 'grapheme' }).map((name) => name.replaceAll('\0', '')),
        fc.jsonValue(),
      ),
      (value) => {
        const bytes = Buffer.from(BSON.serialize(value));
        expect(validateDocument(bytes, 0)).toBe(bytes.length);
      },
    ),
  );
});

test('whatever bytes come, the answer is an end or InvalidBson', () => {
  const document = Buffer.from(
    BSON.serialize({ a: 1, b: 'text', c: [{ d: null, e: new Date(0) }], f: /x/i, g: new BSON.Binary(Buffer.from('ab'), 2) }),
  );
  fc.assert(
    fc.property(fc.nat(document.length - 1), fc.nat(255), (at, byte) => {
      const bytes = Buffer.from(document);
      bytes[at] = byte;
      try {
        expect(validateDocument(bytes, 0)).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidBson);
      }
    }),
  );
});

describe('refuses with the offset', () => {
  test.each([
    ['a boolean that is neither', '09000000 08 6100 02 00', 7],
    ['an unknown type', '08000000 20 6100 00', 7],
    ['an int32 that is cut off', '0a000000 10 6100 0100 00', 7],
    ['a text without its zero byte', '0e000000 02 6100 02000000 6162 00', 12],
    ['a text of no length', '0c000000 02 6100 00000000 00', 7],
    ['a text that is not UTF-8', '0f000000 02 6100 03000000 c328 00 00', 11],
    ['a name that is not UTF-8', '08000000 0a ff00 00', 5],
    ['a name without an end', '07000000 0a 61 00', 5],
    ['a binary value of negative length', '0d000000 05 6100 ffffffff 00 00', 7],
    ['an old binary value with another length inside', '12000000 05 6100 05000000 02 02000000 61 00', 7],
    ['an inner document that is longer than its place', '0f000000 03 6100 09000000 0a00 00 00', 7],
    ['code with scope that is too short', '14000000 0f 6100 0c000000 01000000 00 000000 00', 7],
  ])('%s', (_what, hex, offset) => {
    expect(() => validateDocument(raw(hex), 0)).toThrow(expect.objectContaining({ name: 'InvalidBson', offset }));
  });

  test('documents that are nested too deep', () => {
    let document = rawDocument([]);
    for (let depth = 1; depth < 200; depth++) document = rawDocument([{ type: 0x03, name: 'a', value: document }]);
    expect(validateDocument(document, 0)).toBe(document.length);
    const deeper = rawDocument([{ type: 0x03, name: 'a', value: document }]);
    expect(() => validateDocument(deeper, 0)).toThrow('nested more than 200 deep');
  });
});
