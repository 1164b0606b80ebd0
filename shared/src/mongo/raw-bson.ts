/** One element of a document: its BSON type byte, its name and the bytes of its value (a view, not a copy). */
export interface RawElement {
  readonly type: number;
  readonly name: string;
  readonly value: Buffer;
}

/** Bytes that are not BSON. `offset` counts from the start of the bytes that were read. */
export class InvalidBson extends Error {
  override readonly name = 'InvalidBson';
  readonly what: string;
  readonly offset: number;

  constructor(what: string, offset: number) {
    super(`${what} at byte ${offset}`);
    this.what = what;
    this.offset = offset;
  }
}

/** A Buffer over the same memory. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Smallest document: four bytes of length and the closing zero. */
export const smallestDocument = 5;
/** Largest document that a server stores, bytes. Source: mongodb/mongo BSONObjMaxUserSize. */
export const largestDocument = 16 * 2 ** 20;
/** Largest document in a reply or an oplog entry, bytes. Source: mongodb/mongo BSONObjMaxInternalSize. */
const largestReply = largestDocument + 16 * 2 ** 10;
/** Largest length that is taken for one. */
export const largestLength = largestReply + smallestDocument;

/**
 * Where the document that starts at `start` ends. Throws `InvalidBson` when length or closing zero are wrong; what lies between is not
 * looked at.
 */
export function documentEnd(bytes: Buffer, start: number, limit = bytes.length): number {
  if (start + smallestDocument > limit) throw new InvalidBson('a document is cut off', start);
  const length = bytes.readInt32LE(start);
  if (length < smallestDocument || length > largestLength) throw new InvalidBson(`a document has the length ${length}`, start);
  const end = start + length;
  if (end > limit) throw new InvalidBson('a document is cut off', start);
  if (bytes[end - 1] !== 0) throw new InvalidBson('a document does not end with a zero byte', end - 1);
  return end;
}

/** Calls `visit` with start and end of every document in `array`, a BSON array of documents. Throws `InvalidBson`. */
export function forEachInArray(array: Buffer, visit: (start: number, end: number) => void): void {
  const last = array.length - 1;
  let position = 4;
  while (position < last) {
    if (array[position] !== 0x03) throw new InvalidBson('a batch holds something other than documents', position);
    // The type byte and the index as decimal digits, ended by a zero.
    const start = array.indexOf(0, position + 1) + 1;
    if (start === 0) throw new InvalidBson('a batch is cut off', position);
    position = documentEnd(array, start, last);
    visit(start, position);
  }
}

/** Documents one after another. */
export interface DocumentRun {
  readonly bytes: Buffer;
  readonly documents: number;
  /** Where the last document begins. */
  readonly lastStart: number;
}

/** Calls `visit` with start and end of every document in `bytes`, documents one after another. Throws `InvalidBson`. */
export function forEachDocument(bytes: Buffer, visit: (start: number, end: number) => void): void {
  let position = 0;
  while (position < bytes.length) {
    const end = documentEnd(bytes, position);
    visit(position, end);
    position = end;
  }
}

/** The elements of a document in their order, duplicates included. Throws `InvalidBson`. */
export function* elementsOf(document: Buffer): Generator<RawElement> {
  const last = documentEnd(document, 0) - 1;
  for (let position = 4; position < last;) {
    const element = elementAt(document, position, last);
    position = element.end;
    yield element;
  }
}

/** Calls `visit` with what `elementsOf` gives, in less than two thirds of the time. */
export function forEachElement(document: Buffer, visit: (element: RawElement) => void): void {
  const last = documentEnd(document, 0) - 1;
  for (let position = 4; position < last;) {
    const element = elementAt(document, position, last);
    position = element.end;
    visit(element);
  }
}

function elementAt(document: Buffer, position: number, last: number): RawElement & { readonly end: number } {
  const type = document[position] ?? 0;
  let hash = 0;
  let nameEnd = position + 1;
  for (let byte = document[nameEnd] ?? 0; byte !== 0; byte = document[++nameEnd] ?? 0) hash = (Math.imul(hash, 31) + byte) | 0;
  if (nameEnd >= last) throw new InvalidBson('an element name is cut off', position);
  const start = nameEnd + 1;
  const end = start + (fixedLengths[type] ?? valueLength(document.subarray(start, last), type, start));
  if (end > last) throw new InvalidBson('a value is cut off', start);
  return { type, name: textAt(document, { start: position + 1, end: nameEnd, hash }), value: document.subarray(start, end), end };
}

/** Names that were read, each at a place that its hash chooses: documents have the same ones again and again. */
const names: string[] = Array.from({ length: 2 ** 12 }, () => '');

function textAt(bytes: Buffer, { start, end, hash }: { readonly start: number; readonly end: number; readonly hash: number }): string {
  const place = hash & (names.length - 1);
  const known = names[place] ?? '';
  if (known.length === end - start && isTextAt(known, bytes, start)) return known;
  const name = bytes.toString('utf8', start, end);
  if (name.length === end - start && isTextAt(name, bytes, start)) names[place] = name;
  return name;
}

/** Whether as many bytes as the text has characters are this text, in ASCII. */
function isTextAt(text: string, bytes: Buffer, start: number): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) !== bytes[start + at] || text.charCodeAt(at) > 0x7f) return false;
  return true;
}

/** The document that consists of these elements. */
export function rawDocument(elements: readonly RawElement[]): Buffer {
  const length = elements.reduce((sum, { name, value }) => sum + 2 + Buffer.byteLength(name) + value.length, smallestDocument);
  const bytes = Buffer.allocUnsafe(length);
  let position = bytes.writeInt32LE(length);
  for (const { type, name, value } of elements) {
    position = bytes.writeUInt8(type, position);
    position += bytes.write(name, position);
    position = bytes.writeUInt8(0, position);
    position += value.copy(bytes, position);
  }
  bytes[position] = 0;
  return bytes;
}

/** The first element with this name. */
export function elementOf(document: Buffer, name: string): RawElement | undefined {
  for (const element of elementsOf(document)) if (element.name === name) return element;
  return undefined;
}

/** The text of a string value (types 0x02, 0x0D, 0x0E). */
export function stringOf(value: Buffer): string {
  return value.toString('utf8', 4, value.length - 1);
}

const fixedLengths: Readonly<Record<number, number>> = {
  0x01: 8,
  0x06: 0,
  0x07: 12,
  0x08: 1,
  0x09: 8,
  0x0a: 0,
  0x10: 4,
  0x11: 8,
  0x12: 8,
  0x13: 16,
  0x7f: 0,
  0xff: 0,
};

/** Length of the value, of a type that has no fixed one, at the start of `rest`, which may be too short for it. Source: bsonspec.org. */
function valueLength(rest: Buffer, type: number, offset: number): number {
  if (type === 0x0b) {
    const pattern = rest.indexOf(0);
    const options = rest.indexOf(0, pattern + 1);
    if (pattern === -1 || options === -1) throw new InvalidBson('a regular expression is cut off', offset);
    return options + 1;
  }
  if (rest.length < 4) throw new InvalidBson('a value is cut off', offset);
  const length = rest.readInt32LE();
  if (length < 0) throw new InvalidBson('a value has a negative length', offset);
  switch (type) {
    case 0x02:
    case 0x0d:
    case 0x0e:
      return 4 + length;
    case 0x03:
    case 0x04:
    case 0x0f:
      return length;
    case 0x05:
      return 5 + length;
    case 0x0c:
      return 4 + length + 12;
    default:
      throw new InvalidBson(`an element has the unknown type ${type}`, offset);
  }
}
