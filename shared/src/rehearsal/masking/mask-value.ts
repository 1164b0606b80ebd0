import { Decimal128 } from 'mongodb';
import { stringOf, type RawElement } from '../../mongo/raw-bson.ts';
import { isEmail } from './personal.ts';
import { keyedBytes, permuteNumber, permuteText, type MaskKey } from './permute.ts';

/** BSON types of values that hold other values. */
export const documentType = 0x03;
export const arrayType = 0x04;
export const nullType = 0x0a;
export const stringType = 0x02;
export const dateType = 0x09;

/** A value of a leaf: its BSON type and bytes. */
export type RawValue = Pick<RawElement, 'type' | 'value'>;

/**
 * Another value of the same type and shape for every value of a leaf: as long, as big, of the same year. Equal values become equal ones,
 * different values different ones, so that unique indexes and references hold. Values with nothing to hide (true, null, MinKey) stay.
 */
export function fakeValue(key: MaskKey, { type, value }: RawValue): Buffer {
  switch (type) {
    case stringType:
    case 0x0e:
      return stringValue(fakeText(key, stringOf(value)));
    case 0x01:
      return fakeDouble(key, value);
    case 0x05:
      return fakeBinary(key, value);
    case 0x07:
      return keyedBytes(key, value, 12);
    case dateType:
      return long(fakeTime(key, value.readBigInt64LE()));
    case 0x0b:
      return Buffer.from(`${keyedBytes(key, value, 12).toString('hex')}\0\0`);
    case 0x0d:
      return stringValue(`/* masked ${keyedBytes(key, value, 12).toString('hex')} */`);
    case 0x10:
      return integer(Number(fakeInteger(key, BigInt(value.readInt32LE()), 2n ** 31n)));
    case 0x12:
      return long(fakeInteger(key, value.readBigInt64LE(), 2n ** 63n));
    case 0x13:
      return fakeDecimal(key, value);
    default:
      return value;
  }
}

/** A token for a text; what is no text has no other token of its type than a fake one. */
export function hashValue(key: MaskKey, { type, value }: RawValue): Buffer {
  if (type !== stringType) return fakeValue(key, { type, value });
  return stringValue(keyedBytes(key, stringOf(value), 16).toString('hex'));
}

/** E-mail addresses become ones that nobody has, other texts ones of the same shape. */
export function fakeText(key: MaskKey, text: string): string {
  if (isEmail(text)) return fakeEmail(key, text);
  return permuteText(key, text) ?? keyedBytes(key, text, 16).toString('hex');
}

/** Source of the domain: RFC 2606, section 3. */
export function fakeEmail(key: MaskKey, address: string): string {
  return `${keyedBytes(key, address, 10).toString('hex')}@example.com`;
}

export function stringValue(text: string): Buffer {
  const bytes = Buffer.from(`${text}\0`);
  const length = Buffer.alloc(4);
  length.writeInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Length and subtype stay, and the length that subtype 2 repeats. */
function fakeBinary(key: MaskKey, value: Buffer): Buffer {
  const content = value[4] === 2 ? 9 : 5;
  return Buffer.concat([value.subarray(0, content), keyedBytes(key, value.subarray(content), value.length - content)]);
}

/** A number with the same sign and as many digits. */
function fakeInteger(key: MaskKey, value: bigint, limit: bigint): bigint {
  const size = value < 0n ? -value : value;
  if (size >= limit) return value;
  // One digit, and zero is one of them, but no negative number.
  const least = size < 10n ? (value < 0n ? 1n : 0n) : 10n ** BigInt(size.toString().length - 1);
  if (size < 10n) return signed(value, least + permuteNumber(key, size - least, 10n - least));
  const above = least * 10n < limit ? least * 10n : limit;
  return signed(value, least + permuteNumber(key, size - least, above - least));
}

function signed(like: bigint, size: bigint): bigint {
  return like < 0n ? -size : size;
}

/** Whole numbers as integers, others by their digits. */
function fakeDouble(key: MaskKey, value: Buffer): Buffer {
  const number = value.readDoubleLE();
  if (!Number.isFinite(number) || number === 0) return value;
  const bytes = Buffer.alloc(8);
  if (Number.isSafeInteger(number)) {
    bytes.writeDoubleLE(Number(fakeInteger(key, BigInt(number), 2n ** 53n)));
    return bytes;
  }
  // The last 52 bits are the digits after the first: sign and size stay.
  const bits = value.readBigUInt64LE();
  const digits = 2n ** 52n;
  bytes.writeBigUInt64LE((bits / digits) * digits + permuteNumber(key, bits % digits, digits));
  return bytes;
}

function fakeDecimal(key: MaskKey, value: Buffer): Buffer {
  const text = new Decimal128(value).toString();
  const masked = /^-?\d*\.?\d+/.test(text)
    ? text.replace(/^(-?)([\d.]+)/, (_all, sign: string, digits: string) => sign + fakeDigits(key, digits))
    : text;
  return Buffer.from(Decimal128.fromString(masked).bytes);
}

/** The first digit stays: a number does not become shorter. */
function fakeDigits(key: MaskKey, digits: string): string {
  const first = digits.search(/[1-9]/) + 1;
  return digits.slice(0, first) + (permuteText(key, digits.slice(first)) ?? '');
}

const day = 86_400_000n;

/** Another moment of the same 400 days. */
function fakeTime(key: MaskKey, time: bigint): bigint {
  const length = 400n * day;
  const begin = time - (((time % length) + length) % length);
  return begin + permuteNumber(key, time - begin, length);
}

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function long(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}
