import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Crc64 } from './crc64.ts';

function crcOf(...pieces: readonly Uint8Array[]): bigint {
  const crc = new Crc64();
  for (const piece of pieces) crc.update(Buffer.from(piece));
  return crc.value();
}

/** One bit at a time, as the definition says. */
function slowCrcOf(bytes: Uint8Array): bigint {
  let crc = 2n ** 64n - 1n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ 0xc96c5795d7870f42n : crc >> 1n;
  }
  return BigInt.asIntN(64, ~crc);
}

test('the check value of CRC-64/XZ', () => {
  expect(BigInt.asUintN(64, crcOf(Buffer.from('123456789')))).toBe(0x995dc9bbdf1939fan);
  expect(crcOf()).toBe(0n);
});

test('is that of the definition, however the bytes are cut', () => {
  const bytes = fc.uint8Array({ maxLength: 64 });
  fc.assert(fc.property(bytes, bytes, (a, b) => expect(crcOf(a, b)).toBe(slowCrcOf(Buffer.concat([a, b])))));
});
