import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  type Db,
  type Document,
} from 'mongodb';

const numbered = (count: number, of: (index: number) => Document): Document[] => Array.from({ length: count }, (_, index) => of(index));
const objectId = (number: number): ObjectId => new ObjectId(number.toString(16).padStart(24, '0'));

/** Names that are hard on file systems, escaping and shells. */
export const hardNames = [
  'with space',
  'plus+percent%slash/back\\slash',
  'new\nline',
  'dots.in..name',
  'quotes\'"()!*~',
  'طلبات',
  'emoji😀',
  'CON',
  '%24literal',
  'l'.repeat(200),
  'ü'.repeat(90),
] as const;

/** Fills a database with every kind of collection, index, option, name and type that a server before 8.0 keeps. */
export async function fillEveryKind(db: Db): Promise<void> {
  await fillTypes(db);
  await fillIndexes(db);
  await fillKinds(db);
  for (const name of hardNames) await db.collection(name).insertOne({ _id: 1 as never, name });
}

async function fillTypes(db: Db): Promise<void> {
  const ids = [1, new Double(2.5), Long.MAX_VALUE, 'a', objectId(1), { k: 1 }, new Date(0), true, null, new Binary(Buffer.from([1]))];
  const rareIds = [new MinKey(), new MaxKey(), new Timestamp({ t: 1, i: 1 }), Decimal128.fromString('3.14'), new BSONSymbol('s')];
  await db.collection('ids').insertMany([...ids, ...rareIds].map((_id): Document => ({ _id })));
  await db.collection('types').insertMany([
    { double: new Double(1), nan: NaN, infinite: -Infinity, zero: new Double(-0), int: new Int32(7), long: Long.MIN_VALUE },
    {
      decimal: Decimal128.fromString('1.10E+3'),
      date: new Date(-1),
      time: new Timestamp({ t: 5, i: 6 }),
      nested: { time: new Timestamp(0n) },
    },
    { empty: '', text: 'naïve \u0000 عربي 😀', object: {}, array: [], deep: { a: [{ b: [[]] }] }, nothing: null },
    { min: new MinKey(), max: new MaxKey(), code: new Code('return 1'), scoped: new Code('x', { x: 1 }), symbol: new BSONSymbol('s') },
    { regular: new BSONRegExp('^a', 'i'), old: new Binary(Buffer.from([3, 4]), 2), own: new Binary(Buffer.alloc(0), 128) },
    { $dollar: 1, 'dotted.name': 2, '': 3, 10: 'ten', 9: 'nine', 'a b': 4 },
  ]);
}

async function fillIndexes(db: Db): Promise<void> {
  const indexed = db.collection('indexed');
  const point = (index: number): Document => ({ type: 'Point', coordinates: [index / 10, index / 20] });
  await indexed.insertMany(
    numbered(200, (index) => ({
      _id: index,
      a: index,
      b: index % 7,
      words: [`w${index % 3}`],
      at: new Date(4e12),
      geo: point(index),
      flat: [index, 1],
    })),
  );
  await indexed.createIndexes([
    { key: { a: 1, b: -1 }, name: 'compound' },
    { key: { a: 1 }, name: 'unique', unique: true },
    { key: { b: 1 }, name: 'partial', partialFilterExpression: { b: { $gt: 3 } }, sparse: false },
    { key: { c: 1 }, name: 'sparse', sparse: true },
    { key: { at: 1 }, name: 'expires', expireAfterSeconds: 3600 },
    { key: { words: 'text', b: 'text' }, name: 'text', weights: { words: 5 }, default_language: 'french' },
    { key: { geo: '2dsphere' }, name: 'sphere' },
    { key: { flat: '2d' }, name: 'flat', min: -300, max: 300, bits: 20 },
    { key: { _id: 'hashed' }, name: 'hashed id' },
    { key: { 'sub.$**': 1 }, name: 'wild' },
    { key: { b: 1, a: 1 }, name: 'hidden', hidden: true },
    { key: { words: 1 }, name: 'collated', collation: { locale: 'fr', strength: 2 } },
  ]);
  await indexed.createIndex({ '$**': 1 }, { name: 'wild all', wildcardProjection: { 10: 1, 2: 1 } });
  await db.createCollection('collated', { collation: { locale: 'de', strength: 1 } });
  await db.collection<{ _id: string }>('collated').insertMany([{ _id: 'ä' }, { _id: 'z' }]);
  await db.collection('collated').createIndex({ n: 1 }, { name: 'simple', collation: { locale: 'simple' } });
}

async function fillKinds(db: Db): Promise<void> {
  const schema = {
    bsonType: 'object',
    required: ['name'],
    properties: { 10: { bsonType: 'int' }, 9: { bsonType: 'int' }, name: { bsonType: 'string' } },
  };
  await db.createCollection('validated', { validator: { $jsonSchema: schema }, validationLevel: 'strict', validationAction: 'error' });
  await db.collection('validated').insertMany([{ name: 'good' }, { bad: true }], { bypassDocumentValidation: true });
  await db.createCollection('capped', { capped: true, size: 65_536, max: 50 });
  await db.collection('capped').insertMany(numbered(80, (index) => ({ _id: 80 - index })));
  await db.createCollection('clustered', {
    clusteredIndex: { key: { _id: 1 }, unique: true, name: 'cluster key' },
    expireAfterSeconds: 1e9,
  });
  await db.collection('clustered').insertMany(numbered(20, (index) => ({ _id: index })));
  await db.createCollection('series', { timeseries: { timeField: 't', metaField: 'm', granularity: 'minutes' }, expireAfterSeconds: 1e9 });
  await db
    .collection('series')
    .insertMany(numbered(200, (index) => ({ t: new Date(1.78e12 + index * 60_000), m: { s: index % 4 }, v: index })));
  await db.collection('series').createIndex({ 'm.s': 1, t: -1 });
  await db.createCollection('preimages', { changeStreamPreAndPostImages: { enabled: true } });
  await db.createCollection('empty');
  await db.collection('empty').createIndex({ x: 1 });
  await db.createCollection('view', { viewOn: 'indexed', pipeline: [{ $match: { b: 3 } }], collation: { locale: 'en' } });
  await db.createCollection('view of view', { viewOn: 'view', pipeline: [{ $limit: 3 }], collation: { locale: 'en' } });
  await db.createCollection('view of nothing', { viewOn: 'nothing', pipeline: [] });
}
