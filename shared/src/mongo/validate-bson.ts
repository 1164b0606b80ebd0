import { isUtf8 } from 'node:buffer';
import { documentEnd, InvalidBson, smallestDocument } from './raw-bson.ts';

/** Deepest nesting that a server takes. Source: mongodb/mongo BSONDepth::kDefaultMaxAllowableDepth. */
const deepest = 200;

/**
 * Walks every element of the document that starts at `start`, inner documents included, and returns where it ends. Throws `InvalidBson`,
 * with the offset in `bytes`, for lengths that do not fit each other, texts that are not UTF-8 or not closed by a zero byte, booleans other
 * than 0 and 1, and unknown types. Names that occur twice and keys of arrays are not looked at: they are valid. Source: bsonspec.org.
 */
export function validateDocument(bytes: Buffer, start: number, limit = bytes.length): number {
  return new Walk(bytes).document(start, limit);
}

class Walk {
  readonly #bytes: Buffer;
  #depth = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  document(start: number, limit: number): number {
    if (++this.#depth > deepest) throw new InvalidBson(`documents are nested more than ${deepest} deep`, start);
    const end = documentEnd(this.#bytes, start, limit);
    const last = end - 1;
    let position = start + 4;
    while (position < last) {
      const type = this.#bytes[position] ?? 0;
      position = this.#value(type, this.#cstring(position + 1, last), last);
    }
    this.#depth--;
    return end;
  }

  /** Returns where the value ends, which is never after `last`. */
  #value(type: number, start: number, last: number): number {
    switch (type) {
      case 0x06:
      case 0x0a:
      case 0x7f:
      case 0xff:
        return start;
      case 0x08:
        if ((this.#bytes[start] ?? 2) > 1) throw new InvalidBson('a boolean is neither 0 nor 1', start);
        return this.#fixed(start, 1, last);
      case 0x10:
        return this.#fixed(start, 4, last);
      case 0x01:
      case 0x09:
      case 0x11:
      case 0x12:
        return this.#fixed(start, 8, last);
      case 0x07:
        return this.#fixed(start, 12, last);
      case 0x13:
        return this.#fixed(start, 16, last);
      case 0x02:
      case 0x0d:
      case 0x0e:
        return this.#text(start, last);
      case 0x03:
      case 0x04:
        return this.document(start, last);
      case 0x05:
        return this.#binary(start, last);
      case 0x0b:
        return this.#cstring(this.#cstring(start, last), last);
      case 0x0c:
        return this.#fixed(this.#text(start, last), 12, last);
      case 0x0f:
        return this.#codeWithScope(start, last);
      default:
        throw new InvalidBson(`an element has the unknown type ${type}`, start);
    }
  }

  #fixed(start: number, length: number, last: number): number {
    if (start + length > last) throw new InvalidBson('a value is cut off', start);
    return start + length;
  }

  #length(start: number, last: number): number {
    this.#fixed(start, 4, last);
    return this.#bytes.readInt32LE(start);
  }

  /** Length, UTF-8 and a zero byte. */
  #text(start: number, last: number): number {
    const length = this.#length(start, last);
    if (length < 1) throw new InvalidBson(`a text has the length ${length}`, start);
    const end = this.#fixed(start + 4, length, last);
    if (this.#bytes[end - 1] !== 0) throw new InvalidBson('a text does not end with a zero byte', end - 1);
    this.#utf8(start + 4, end - 1);
    return end;
  }

  /** UTF-8 up to a zero byte; returns what follows it. */
  #cstring(start: number, last: number): number {
    let end = start;
    while (end < last && this.#bytes[end] !== 0) end++;
    if (end === last) throw new InvalidBson('a name does not end with a zero byte', start);
    this.#utf8(start, end);
    return end + 1;
  }

  #binary(start: number, last: number): number {
    const length = this.#length(start, last);
    if (length < 0) throw new InvalidBson(`a binary value has the length ${length}`, start);
    const end = this.#fixed(start + 5, length, last);
    // The old binary type repeats the length inside of its bytes.
    if (this.#bytes[start + 4] === 2 && (length < 4 || this.#bytes.readInt32LE(start + 5) !== length - 4))
      throw new InvalidBson('a binary value has two lengths that do not fit each other', start);
    return end;
  }

  #codeWithScope(start: number, last: number): number {
    const length = this.#length(start, last);
    if (length < 4 + 5 + smallestDocument) throw new InvalidBson(`code with scope has the length ${length}`, start);
    const end = this.#fixed(start, length, last);
    if (this.document(this.#text(start + 4, end), end) !== end) throw new InvalidBson('code with scope is shorter than it says', start);
    return end;
  }

  #utf8(start: number, end: number): void {
    for (let position = start; position < end; position++) {
      if ((this.#bytes[position] ?? 0) < 0x80) continue;
      if (isUtf8(this.#bytes.subarray(position, end))) return;
      throw new InvalidBson('a text is not UTF-8', start);
    }
  }
}
