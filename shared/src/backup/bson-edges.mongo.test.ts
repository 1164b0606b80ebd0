import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Timestamp } from 'mongodb';
import { DocumentSequence } from 'mongodb/lib/cmap/commands.js';
import { silentLog } from '../log/log.ts';
import { digestCollection } from '../mongo/census.ts';
import type { Connection } from '../mongo/connect.ts';
import { documentEnd, elementsOf, forEachInArray, largestDocument } from '../mongo/raw-bson.ts';
import { readRaw, scan } from '../mongo/raw-read.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { compressions, type Compression } from './codec.ts';
import { createBackup } from './create.ts';
import { parseRenames } from './namespaces.ts';
import { restoreBackup } from './restore.ts';
import { directoryStore } from './stores/directory.ts';

const database = uniqueDatabase('edges');
const copy = uniqueDatabase('edges_copy');
let connection: Connection;

beforeAll(async () => {
  connection = await connectShared();
});

afterAll(async () => {
  await dropDatabases(connection.client, [database, copy]);
  await connection.client.close();
});

type Element = readonly [type: number, name: string, value: Buffer];

const int32 = (number: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(number);
  return bytes;
};
const raw = (elements: readonly Element[]): Buffer => {
  const parts = elements.flatMap(([type, name, value]) => [Buffer.from([type]), Buffer.from(`${name}\0`), value]);
  const body = Buffer.concat([...parts, Buffer.from([0])]);
  return Buffer.concat([int32(body.length + 4), body]);
};
const text = (value: string): Buffer => Buffer.concat([int32(Buffer.byteLength(value) + 1), Buffer.from(`${value}\0`)]);
const hex = (value: string): Buffer => Buffer.from(value.replaceAll(' ', ''), 'hex');

/** Inserts bytes as they are; the server must take all. */
async function insert(collection: string, documents: readonly Buffer[]): Promise<void> {
  const sequence = new DocumentSequence('documents');
  for (const document of documents) sequence.push({}, document);
  const reply = await connection.client.db(database).command({ insert: collection, documents: sequence });
  expect(reply).toMatchObject({ n: documents.length, ok: 1 });
}

async function contents(name: string, collection: string): Promise<string[]> {
  const documents: string[] = [];
  for await (const batch of readRaw({ client: connection.client, database: name, collection, command: scan(collection) }))
    forEachInArray(batch, (start, end) => documents.push(batch.toString('hex', start, end)));
  return documents.sort();
}

/** Backs the collection up and restores it beside; the bytes must be equal. */
async function roundTrip(collection: string, compression: Compression = 'zstd'): Promise<void> {
  await using folder = await temporaryFolder();
  const store = directoryStore(folder.path);
  const selection = { databases: [database], include: [`${database}.${collection}`] };
  const { id } = await createBackup({ connection, store, selection, compression, log: silentLog });
  const renames = parseRenames([`${database}.*`], [`${copy}.*`]);
  await restoreBackup({ client: connection.client, store, backupId: id, renames, drop: true, log: silentLog });
  expect(await contents(copy, collection)).toEqual(await contents(database, collection));
}

const zero = Buffer.alloc(8);
const one: Element = [0x10, '_id', int32(1)];
const edges: readonly (readonly [string, readonly Element[]])[] = [
  ['the same key twice', [one, [0x10, 'a', int32(1)], [0x10, 'a', int32(2)]]],
  ['integer-like keys out of order', [one, [0x10, '10', int32(1)], [0x10, '9', int32(2)], [0x10, '0', int32(3)]]],
  ['undefined', [one, [0x06, 'u', Buffer.alloc(0)]]],
  ['DBPointer', [one, [0x0c, 'p', Buffer.concat([text('b'), hex('56e1fc72e0c917e9c4714161')])]]],
  ['symbol', [one, [0x0e, 's', text('sym')]]],
  ['a NaN with a payload', [one, [0x01, 'n', hex('120000000000f87f')], [0x01, 'm', hex('010000000000f8ff')]]],
  [
    'whole doubles and small longs',
    [one, [0x01, 'd', hex('000000000000f03f')], [0x12, 'l', hex('0100000000000000')], [0x01, 'z', hex('0000000000000080')]],
  ],
  ['an empty timestamp at the top', [one, [0x11, 't', zero], [0x11, 'v', zero]]],
  ['an empty timestamp inside', [one, [0x03, 'a', raw([[0x11, 't', zero]])]]],
  [
    'an array with odd keys',
    [
      one,
      [
        0x04,
        'a',
        raw([
          [0x10, 'x', int32(1)],
          [0x10, '7', int32(2)],
        ]),
      ],
    ],
  ],
  ['dates beyond JavaScript', [one, [0x09, 'd', hex('ffffffffffffff7f')], [0x09, 'e', hex('0000000000000080')]]],
  ['options of a regular expression out of order', [one, [0x0b, 'r', Buffer.from('a\0xi\0')]]],
  ['text that is not UTF-8', [one, [0x02, 't', Buffer.concat([int32(3), hex('c328 00')])]]],
  ['the old binary type', [one, [0x05, 'b', Buffer.concat([int32(6), hex('02'), int32(2), hex('0102')])]]],
  ['code with scope', [one, [0x0f, 'c', Buffer.concat([int32(4 + text('x').length + raw([]).length), text('x'), raw([])])]]],
  ['min, max and null', [one, [0xff, 'a', Buffer.alloc(0)], [0x7f, 'b', Buffer.alloc(0)], [0x0a, 'c', Buffer.alloc(0)]]],
];

describe('fault 35: bytes that come back as they were', () => {
  test.each(edges)('%s', async (name, elements) => {
    await insert(name, [raw(elements)]);
    if (name.includes('at the top')) {
      const document = { _id: 1, t: new Timestamp(0n), v: new Timestamp(0n) };
      await connection.client
        .db(database)
        .collection(name)
        .updateOne({}, [{ $replaceWith: { $literal: document } }]);
    }
    await roundTrip(name);
  });

  test.each(compressions)('fault 31: the largest document that there is, with %s', async (compression) => {
    const head = raw([one, [0x02, 's', text('')]]).length;
    const document = raw([one, [0x02, 's', text('x'.repeat(largestDocument - head))]]);
    expect(documentEnd(document, 0)).toBe(largestDocument);
    const name = `largest ${compression}`;
    await insert(name, [document]);
    await roundTrip(name, compression);
    await connection.client.db(database).dropCollection(name);
  });

  test('120,000 tiny documents: more than one insert command may hold', async () => {
    for (let start = 0; start < 120_000; start += 60_000)
      await insert(
        'tiny',
        Array.from({ length: 60_000 }, (_, index) => raw([[0x10, '_id', int32(start + index)]])),
      );
    await using folder = await temporaryFolder();
    const store = directoryStore(folder.path);
    const { id, digest } = await createBackup({
      connection,
      store,
      selection: { databases: [database], include: ['tiny'] },
      log: silentLog,
    });
    await restoreBackup({
      client: connection.client,
      store,
      backupId: id,
      renames: parseRenames([`${database}.*`], [`${copy}.*`]),
      drop: true,
      log: silentLog,
    });
    expect(await digestCollection(connection.client, { database: copy, collection: 'tiny' })).toEqual(digest);
    expect(digest.documents).toBe(120_000);
  });
});

const leaf: fc.Arbitrary<readonly [number, Buffer]> = fc.oneof(
  fc
    .uint8Array({ minLength: 8, maxLength: 8 })
    .chain((bytes) => fc.constantFrom(0x01, 0x09, 0x12).map((type) => [type, Buffer.from(bytes)] as const)),
  fc.string({ unit: 'grapheme' }).chain((value) => fc.constantFrom(0x02, 0x0d, 0x0e).map((type) => [type, text(value)] as const)),
  fc.constantFrom(0x06, 0x0a, 0x7f, 0xff).map((type) => [type, Buffer.alloc(0)] as const),
  fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => [0x07, Buffer.from(bytes)] as const),
  fc.boolean().map((value) => [0x08, Buffer.from([value ? 1 : 0])] as const),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => [0x13, Buffer.from(bytes)] as const),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => [0x05, Buffer.concat([int32(bytes.length), Buffer.from([128]), bytes])] as const),
  fc.integer().map((value) => [0x10, int32(value)] as const),
);
const key = fc.oneof(fc.nat({ max: 20 }).map(String), fc.constantFrom('a', 'b', '', 'a b', 'ключ', '$x', 'a.b'));
const elements = fc.array(
  fc.tuple(key, leaf).map(([name, [type, value]]): Element => [type, name, value]),
  { maxLength: 8 },
);
const nested = fc.tuple(elements, fc.constantFrom(0x03, 0x04)).map(([inner, type]): Element => [type, 'nested', raw(inner)]);
const id = leaf.filter(([type]) => ![0x04, 0x06, 0x0b].includes(type));

test('faults 35, 36: documents of any shape come back byte by byte, whatever the type of their _id', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(id, elements, nested), { minLength: 1, maxLength: 30 }), async (shapes) => {
      await connection.client.db(database).collection('any').drop();
      for (const [[type, value], members, last] of shapes) {
        const document = raw([[type, '_id', value], ...members, last]);
        expect([...elementsOf(document)]).toHaveLength(members.length + 2);
        const sequence = new DocumentSequence('documents');
        sequence.push({}, document);
        // Two equal _ids, which the server refuses, are no subject here.
        await connection.client.db(database).command({ insert: 'any', documents: sequence });
      }
      await roundTrip('any');
    }),
    { numRuns: 15 },
  );
});
