import { elementOf, stringOf, type RawElement } from '../../mongo/raw-bson.ts';

/**
 * The `_id` of a document for people. Numbers, ObjectIds, UUIDs and dates are told; text only when it is a plain short key, since it may be
 * a name or an address. `reveal` tells everything.
 */
export function idText(document: Buffer, reveal: boolean): string {
  const id = elementOf(document, '_id');
  return id === undefined ? '(no _id)' : valueText(id, reveal);
}

/** A value for people; `reveal`: whether text is shown as it is. */
export function valueText({ type, value }: RawElement, reveal: boolean): string {
  switch (type) {
    case 0x01:
      return String(value.readDoubleLE());
    case 0x02: {
      const text = stringOf(value);
      return reveal || /^[\w.:-]{1,40}$/.test(text) ? JSON.stringify(text) : `(text of ${text.length} characters)`;
    }
    case 0x05:
      return value[4] === 4 ? `UUID ${value.toString('hex', 5)}` : '(binary)';
    case 0x07:
      return value.toString('hex');
    case 0x08:
      return String(value[0] === 1);
    case 0x09:
      return isoText(Number(value.readBigInt64LE()));
    case 0x0a:
      return 'null';
    case 0x10:
      return String(value.readInt32LE());
    case 0x12:
      return String(value.readBigInt64LE());
    default:
      return `(${typeNames[type] ?? 'other'})`;
  }
}

function isoText(time: number): string {
  return Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : String(time);
}

const typeNames: Readonly<Record<number, string>> = {
  0x01: 'double',
  0x02: 'string',
  0x03: 'object',
  0x04: 'array',
  0x05: 'binary',
  0x06: 'undefined',
  0x07: 'objectId',
  0x08: 'bool',
  0x09: 'date',
  0x0a: 'null',
  0x0b: 'regex',
  0x0d: 'javascript',
  0x10: 'int',
  0x11: 'timestamp',
  0x12: 'long',
  0x13: 'decimal',
};

/** The name of a BSON type as the server's `$type` has it. */
export function typeName({ type }: Pick<RawElement, 'type'>): string {
  return typeNames[type] ?? `type ${type}`;
}
