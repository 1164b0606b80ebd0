import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BSON, type Document, type Timestamp } from 'mongodb';
import { forEachInArray, rawDocument, type RawElement } from '../../mongo/raw-bson.ts';
import { readRaw, scan } from '../../mongo/raw-read.ts';
import { keyIn } from './event.ts';
import { openScenes, type Scene, type Scenes } from '../../testing/undo-scene.ts';
import { writeBack, type PutBack, type WrittenBack } from './write-back.ts';

interface Thing extends Document {
  readonly _id: number;
}

let scenes: Scenes;
beforeAll(async () => {
  scenes = await openScenes('write-back');
});
afterAll(() => scenes.close());

const { Code, Decimal128, Double, Int32, Long, MaxKey, MinKey, ObjectId, BSONRegExp, BSONSymbol } = BSON;
const deep = (levels: number): Document => (levels === 0 ? {} : { a: deep(levels - 1) });
const serialize = (document: Document): Buffer => Buffer.from(BSON.serialize(document));
const element = (name: string, value: number): RawElement => ({ type: 0x10, name, value: Buffer.from(Int32Array.of(value).buffer) });

/** As the document was, and as the migration left it. */
/** As the document was, and as the migration left it. */
const changed: readonly (readonly [string, Document | Buffer, Document])[] = [
  ['fields in another order', { _id: 1, a: 1, b: 2 }, { _id: 1, b: 2, a: 1 }],
  [
    'numbers of another type',
    { _id: 1, a: new Int32(1), b: new Double(2), c: Long.fromNumber(3), d: Decimal128.fromString('4.0'), e: new Double(-0) },
    { _id: 1, a: new Double(1), b: new Int32(2), c: new Int32(3), d: Decimal128.fromString('4.00'), e: new Double(0) },
  ],
  ['names that are expressions', { _id: 1, a: '$a', b: { $add: [1, 2] }, 'c.d': 1, '': 2 }, { _id: 1, c: { d: 1 } }],
  ['a name twice', rawDocument([element('_id', 1), element('a', 1), element('a', 2)]), { _id: 1, a: 3 }],
  [
    'rare types',
    { _id: 1, a: new Code('x', { y: 1 }), b: new BSONSymbol('s'), c: new MinKey(), d: new MaxKey(), e: new BSONRegExp('a', 'i') },
    { _id: 1 },
  ],
  ['documents within documents', { _id: 1, a: deep(150) }, { _id: 1 }],
  ['an array that was cut', { _id: 1, a: [1, { b: 2 }, 3] }, { _id: 1, a: [1] }],
  ['an _id that is a document', { _id: { b: 1, a: [new ObjectId()] }, a: 1 }, { a: 2 }],
];

async function putBack(
  { client, db }: Scene,
  documents: readonly PutBack[],
  before: () => Promise<unknown> = async () => undefined,
): Promise<WrittenBack> {
  await using session = client.startSession({ causalConsistency: false });
  const { operationTime } = await db.command({ ping: 1 });
  await before();
  return await writeBack(documents, { db, collection: 'things', session, at: operationTime as Timestamp, validated: false });
}

/** The documents of the collection, as bytes. */
async function standing({ client, db }: Scene): Promise<readonly Buffer[]> {
  const documents: Buffer[] = [];
  for await (const batch of readRaw({ client, database: db.databaseName, collection: 'things', command: scan('things') }))
    forEachInArray(batch, (start, end) => documents.push(Buffer.from(batch.subarray(start, end))));
  return documents;
}

const keyOf = (document: Buffer): Buffer => keyIn(document) ?? Buffer.alloc(0);

describe('puts back, byte for byte,', () => {
  test.each(changed)('%s', async (_what, was, is) => {
    const made = scenes.make();
    const document = Buffer.isBuffer(was) ? was : serialize(was);
    const [{ value: _id } = { value: undefined }] = Object.entries(BSON.deserialize(document)).flatMap(([name, value]) =>
      name === '_id' ? [{ value: value as unknown }] : [],
    );
    await made.db.collection('things').insertOne({ ...is, _id } as Document);
    await made.db.collection('things').createIndex({ a: 1 });
    expect(await putBack(made, [{ key: keyOf(document), document }])).toBe('done');
    expect(await standing(made)).toEqual([document]);
    expect(await putBack(made, [{ key: keyOf(document), document }])).toBe('done');
    expect(await standing(made)).toEqual([document]);
  });

  test('documents that were deleted, and none where there was none', async () => {
    const made = scenes.make();
    await made.db.collection<Thing>('things').insertOne({ _id: 2 });
    const [first, second] = [serialize({ _id: 1, a: [1] }), serialize({ _id: 2 })];
    expect(
      await putBack(made, [
        { key: keyOf(first), document: first },
        { key: keyOf(second), document: undefined },
      ]),
    ).toBe('done');
    expect(await standing(made)).toEqual([first]);
  });
});

test('writes nothing when one of the documents was written since', async () => {
  const made = scenes.make();
  const things = made.db.collection<Thing>('things');
  await things.insertMany([{ _id: 1 }, { _id: 2 }]);
  const documents = [serialize({ _id: 1, a: 1 }), serialize({ _id: 2, a: 1 })].map((document) => ({ key: keyOf(document), document }));
  expect(await putBack(made, documents, () => things.updateOne({ _id: 2 }, { $set: { b: 1 } }))).toBe('changed');
  expect(await standing(made)).toEqual([serialize({ _id: 1 }), serialize({ _id: 2, b: 1 })]);
});

test('writes nothing when another document holds a unique value', async () => {
  const made = scenes.make();
  const things = made.db.collection<Thing>('things');
  await things.insertMany([{ _id: 1 }, { _id: 2, a: 1 }]);
  await things.createIndex({ a: 1 }, { unique: true });
  const documents = [serialize({ _id: 3, a: 3 }), serialize({ _id: 1, a: 1 })].map((document) => ({ key: keyOf(document), document }));
  expect(await putBack(made, documents)).toBe('duplicate');
  expect(await standing(made)).toEqual([serialize({ _id: 1 }), serialize({ _id: 2, a: 1 })]);
});
