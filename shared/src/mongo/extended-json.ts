import {
  BSON,
  Binary,
  Code,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  BSONRegExp,
  BSONSymbol,
  DBRef,
} from 'mongodb';
import { asBuffer, elementsOf, InvalidBson, stringOf } from './raw-bson.ts';

/** A document whose keys keep their order, integer-like ones too. The driver sends it as a document. Values are BSON values. */
export type OrderedDocument = Map<string, unknown>;

/**
 * A raw document as canonical Extended JSON v2 in one line, in the order of its bytes and with every type told apart, without ever being
 * an object (which would sort integer-like keys and drop duplicates). Throws `InvalidBson`.
 */
export function toExtendedJson(document: Uint8Array): string {
  return documentText(asBuffer(document));
}

function documentText(document: Buffer): string {
  const members: string[] = [];
  for (const { type, name, value } of elementsOf(document)) members.push(`${JSON.stringify(name)}:${valueText(type, value)}`);
  return `{${members.join(',')}}`;
}

function arrayText(array: Buffer): string {
  const items: string[] = [];
  for (const { type, value } of elementsOf(array)) items.push(valueText(type, value));
  return `[${items.join(',')}]`;
}

/** One value as canonical Extended JSON. Source: mongodb/specifications extended-json. */
export function valueText(type: number, value: Buffer): string {
  switch (type) {
    case 0x01:
      return `{"$numberDouble":"${doubleText(value.readDoubleLE())}"}`;
    case 0x02:
      return JSON.stringify(stringOf(value));
    case 0x03:
      return documentText(value);
    case 0x04:
      return arrayText(value);
    case 0x05:
      return binaryText(value);
    case 0x06:
      return '{"$undefined":true}';
    case 0x07:
      return `{"$oid":"${value.toString('hex')}"}`;
    case 0x08:
      return value[0] === 0 ? 'false' : 'true';
    case 0x09:
      return `{"$date":{"$numberLong":"${value.readBigInt64LE()}"}}`;
    case 0x0a:
      return 'null';
    case 0x0b:
      return regularExpressionText(value);
    case 0x0c:
      return `{"$dbPointer":{"$ref":${JSON.stringify(stringOf(value.subarray(0, -12)))},"$id":{"$oid":"${value.toString('hex', value.length - 12)}"}}}`;
    case 0x0d:
      return `{"$code":${JSON.stringify(stringOf(value))}}`;
    case 0x0e:
      return `{"$symbol":${JSON.stringify(stringOf(value))}}`;
    case 0x0f:
      return codeWithScopeText(value);
    case 0x10:
      return `{"$numberInt":"${value.readInt32LE()}"}`;
    case 0x11:
      return `{"$timestamp":{"t":${value.readUInt32LE(4)},"i":${value.readUInt32LE(0)}}}`;
    case 0x12:
      return `{"$numberLong":"${value.readBigInt64LE()}"}`;
    case 0x13:
      return `{"$numberDecimal":"${new Decimal128(value).toString()}"}`;
    case 0x7f:
      return '{"$maxKey":1}';
    case 0xff:
      return '{"$minKey":1}';
    default:
      throw new InvalidBson(`an element has the unknown type ${type}`, 0);
  }
}

function doubleText(number: number): string {
  if (Number.isNaN(number)) return 'NaN';
  if (!Number.isFinite(number)) return number > 0 ? 'Infinity' : '-Infinity';
  if (Object.is(number, -0)) return '-0.0';
  return Number.isInteger(number) && Math.abs(number) < 1e21 ? `${number}.0` : String(number);
}

function binaryText(value: Buffer): string {
  const subType = value[4] ?? 0;
  // The old binary type repeats the length inside of its bytes.
  const content = value.subarray(subType === Binary.SUBTYPE_BYTE_ARRAY ? 9 : 5);
  return `{"$binary":{"base64":"${content.toString('base64')}","subType":"${subType.toString(16).padStart(2, '0')}"}}`;
}

function regularExpressionText(value: Buffer): string {
  const end = value.indexOf(0);
  const pattern = value.toString('utf8', 0, end);
  const options = value.toString('utf8', end + 1, value.length - 1);
  return `{"$regularExpression":{"pattern":${JSON.stringify(pattern)},"options":${JSON.stringify(options)}}}`;
}

function codeWithScopeText(value: Buffer): string {
  const codeEnd = 8 + value.readInt32LE(4);
  return `{"$code":${JSON.stringify(value.toString('utf8', 8, codeEnd - 1))},"$scope":${documentText(value.subarray(codeEnd))}}`;
}

/** The raw document that `document` stands for. */
export function toRaw(document: OrderedDocument): Buffer {
  return asBuffer(BSON.serialize(document));
}

type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | JsonObject;
type JsonObject = ReadonlyMap<string, JsonValue>;
interface JsonNumber {
  readonly digits: string;
}

/**
 * The document that a text of Extended JSON stands for, keys in the order of the text. Plain numbers are taken as in relaxed Extended
 * JSON. Throws `SyntaxError`.
 */
export function parseExtendedJson(text: string): OrderedDocument {
  const parsed = new OrderedParser(text).parse();
  if (!(parsed instanceof Map)) throw new SyntaxError('Extended JSON text is not an object');
  return documentOf(parsed);
}

function documentOf(object: JsonObject): OrderedDocument {
  return new Map([...object].map(([name, value]) => [name, valueOf(value)]));
}

function valueOf(value: JsonValue): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (isNumber(value)) return numberOf(value.digits);
  if (isArray(value)) return value.map(valueOf);
  const first = value.keys().next().value;
  const wrapper = first?.startsWith('$') === true ? wrappers[first] : undefined;
  return wrapper === undefined ? documentOf(value) : wrapper(value);
}

function isNumber(value: JsonValue): value is JsonNumber {
  return typeof value === 'object' && value !== null && 'digits' in value;
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function numberOf(digits: string): Int32 | Long | Double {
  if (!/^-?\d+$/.test(digits)) return new Double(Number(digits));
  const whole = BigInt(digits);
  if (whole === BigInt.asIntN(32, whole)) return new Int32(Number(whole));
  return whole === BigInt.asIntN(64, whole) ? Long.fromBigInt(whole) : new Double(Number(digits));
}

/** What stands for a BSON type when it is the first key of an object. Objects such as `{"$match": …}` are plain documents. */
const wrappers: Readonly<Record<string, (object: JsonObject) => unknown>> = {
  $numberInt: (object) => new Int32(Number(text(object, '$numberInt'))),
  $numberLong: (object) => Long.fromString(text(object, '$numberLong')),
  $numberDouble: (object) => new Double(Number(text(object, '$numberDouble'))),
  $numberDecimal: (object) => Decimal128.fromString(text(object, '$numberDecimal')),
  $oid: (object) => new ObjectId(text(object, '$oid')),
  $symbol: (object) => new BSONSymbol(text(object, '$symbol')),
  $minKey: () => new MinKey(),
  $maxKey: () => new MaxKey(),
  $undefined: () => undefined,
  $date: dateOf,
  $timestamp: timestampOf,
  $binary: binaryOf,
  $regularExpression: regularExpressionOf,
  $code: codeOf,
  $dbPointer: dbPointerOf,
};

function text(object: JsonObject, name: string): string {
  const value = object.get(name);
  if (typeof value === 'string') return value;
  if (value !== undefined && isNumber(value)) return value.digits;
  throw new SyntaxError(`Extended JSON: ${name} needs a text`);
}

function child(object: JsonObject, name: string): JsonObject {
  const value = object.get(name);
  if (value instanceof Map) return value;
  throw new SyntaxError(`Extended JSON: ${name} needs an object`);
}

function dateOf(object: JsonObject): Date {
  const value = object.get('$date');
  return new Date(typeof value === 'string' ? value : Number(text(child(object, '$date'), '$numberLong')));
}

function timestampOf(object: JsonObject): Timestamp {
  const parts = child(object, '$timestamp');
  return new Timestamp({ t: Number(text(parts, 't')), i: Number(text(parts, 'i')) });
}

function binaryOf(object: JsonObject): Binary {
  const parts = child(object, '$binary');
  return new Binary(Buffer.from(text(parts, 'base64'), 'base64'), Number.parseInt(text(parts, 'subType'), 16));
}

/** `$regularExpression` wraps a pattern; `$regex` is an operator of the query language and stays a plain document. */
function regularExpressionOf(object: JsonObject): BSONRegExp {
  const parts = child(object, '$regularExpression');
  return new BSONRegExp(text(parts, 'pattern'), text(parts, 'options'));
}

function codeOf(object: JsonObject): Code {
  const scope = object.get('$scope');
  return new Code(text(object, '$code'), scope instanceof Map ? documentOf(scope) : undefined);
}

function dbPointerOf(object: JsonObject): DBRef {
  const parts = child(object, '$dbPointer');
  return new DBRef(text(parts, '$ref'), valueOf(parts.get('$id') ?? null) as ObjectId);
}

/** A JSON parser that keeps the order of keys and the digits of numbers. Strings are left to `JSON.parse`. */
class OrderedParser {
  readonly #source: string;
  #position = 0;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): JsonValue {
    const value = this.#value();
    this.#skip(/\s*/y);
    if (this.#position !== this.#source.length) this.#fail();
    return value;
  }

  #value(): JsonValue {
    this.#skip(/\s*/y);
    const first = this.#source[this.#position];
    if (first === '{') return this.#object();
    if (first === '[') return this.#array();
    return first === '"' ? this.#string() : this.#literal();
  }

  #object(): JsonObject {
    const object = new Map<string, JsonValue>();
    this.#list('}', () => {
      this.#skip(/\s*/y);
      const name = this.#string();
      this.#expect(':');
      object.set(name, this.#value());
    });
    return object;
  }

  #array(): readonly JsonValue[] {
    const items: JsonValue[] = [];
    this.#list(']', () => items.push(this.#value()));
    return items;
  }

  #list(close: string, item: () => void): void {
    this.#position++;
    if (this.#accept(close)) return;
    do item();
    while (this.#accept(','));
    this.#expect(close);
  }

  #string(): string {
    return JSON.parse(this.#take(/"(?:[^"\\]|\\.)*"/y)) as string;
  }

  #literal(): JsonValue {
    const word = this.#take(/true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y);
    if (word === 'null') return null;
    return word === 'true' || word === 'false' ? word === 'true' : { digits: word };
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#position;
    const found = pattern.exec(this.#source)?.[0] ?? this.#fail();
    this.#position += found.length;
    return found;
  }

  #skip(pattern: RegExp): void {
    this.#take(pattern);
  }

  #accept(character: string): boolean {
    this.#skip(/\s*/y);
    if (this.#source[this.#position] !== character) return false;
    this.#position++;
    return true;
  }

  #expect(character: string): void {
    if (!this.#accept(character)) this.#fail();
  }

  #fail(): never {
    throw new SyntaxError(`Extended JSON: unexpected text at character ${this.#position}`);
  }
}
