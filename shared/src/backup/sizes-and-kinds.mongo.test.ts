import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Binary, BSON, Code, Decimal128, Double, Long, MaxKey, MinKey, ObjectId, Timestamp, UUID, type Document } from 'mongodb';
import { silentLog } from '../log/log.ts';
import { bucketsOf } from '../mongo/catalog.ts';
import { digestCollection } from '../mongo/census.ts';
import type { Connection } from '../mongo/connect.ts';
import { largestDocument } from '../mongo/raw-bson.ts';
import { rawInserter } from '../mongo/raw-write.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { createBackup } from './create.ts';
import type { Manifest } from './manifest.ts';
import { parseRenames } from './namespaces.ts';
import { restoreBackup } from './restore.ts';
import { directoryStore } from './stores/directory.ts';
import { verifyBackup } from './verify.ts';

const database = uniqueDatabase('sizes');
const copy = uniqueDatabase('sizes_copy');
let connection: Connection;

beforeAll(async () => {
  connection = await connectShared();
});

afterAll(async () => {
  await dropDatabases(connection.client, [database, copy]);
  await connection.client.close();
});

/** Backs up, reads back, restores beside; every digest must be that of the source. */
async function roundTrip(include: string): Promise<Manifest> {
  await using folder = await temporaryFolder();
  const store = directoryStore(folder.path);
  const selection = { databases: [database], include: [`${database}.${include}`] };
  const manifest = await createBackup({ connection, store, selection, log: silentLog });
  await verifyBackup({ store, backupId: manifest.id, log: silentLog });
  const renames = parseRenames([`${database}.*`], [`${copy}.*`]);
  await restoreBackup({ client: connection.client, store, backupId: manifest.id, renames, drop: true, log: silentLog });
  for (const { name, type, digest } of manifest.collections) {
    const collection = type === 'timeseries' ? bucketsOf(name) : name;
    expect(await digestCollection(connection.client, { database, collection })).toEqual(digest);
    expect(await digestCollection(connection.client, { database: copy, collection })).toEqual(digest);
  }
  return manifest;
}

async function insertRaw(collection: string, documents: readonly Document[]): Promise<void> {
  const bytes = Buffer.concat(documents.map((document) => BSON.serialize(document)));
  const batch = { database, collection, documents: bytes, count: documents.length, ordered: false, bypassValidation: true };
  await rawInserter(connection.client, connection.serverVersion).insert(batch);
}

test('fault 31: documents of exactly 16 MiB and of 15.9 MiB, several frames of one document each', async () => {
  const sizeOfRest = BSON.calculateObjectSize({ _id: 0, bytes: new Binary(Buffer.alloc(0)) });
  const sizes = [largestDocument, ...Array.from({ length: 5 }, () => Math.floor(15.9 * 2 ** 20))];
  for (const [_id, size] of sizes.entries())
    await insertRaw('largest', [{ _id, bytes: new Binary(Buffer.alloc(size - sizeOfRest, _id + 1)) }]);
  const manifest = await roundTrip('largest');
  expect(manifest.digest).toMatchObject({ documents: 6, bytes: sizes.reduce((sum, size) => sum + size, 0) });
});

test('fault 32: a million documents of 21 bytes', async () => {
  for (let start = 0; start < 1e6; start += 1e5)
    await insertRaw(
      'tiny',
      Array.from({ length: 1e5 }, (_, index) => ({ _id: start + index, n: index })),
    );
  const manifest = await roundTrip('tiny');
  expect(manifest.digest).toMatchObject({ documents: 1e6, bytes: 21e6 });
});

test('fault 36: one collection whose _ids have every type, with many documents of each', async () => {
  const ids: readonly ((number: number) => unknown)[] = [
    (number) => number,
    (number) => new Double(number + 0.5),
    (number) => Long.fromNumber(2 ** 40 + number),
    (number) => Decimal128.fromString(`${number}.25`),
    (number) => `text ${number}`,
    (number) => ({ number, inner: [number] }),
    (number) => new Binary(Buffer.from(`bytes ${number}`)),
    () => new UUID(),
    () => new ObjectId(),
    (number) => number % 2 === 0,
    (number) => new Date(number),
    (number) => new Timestamp({ t: number, i: 1 }),
    (number) => new Code(`return ${number}`),
    () => null,
    () => new MinKey(),
    () => new MaxKey(),
  ];
  const seen = new Map<string, Document>();
  for (let number = 0; number < 300; number++)
    for (const make of ids) {
      const document = { _id: make(number), number };
      seen.set(Buffer.from(BSON.serialize({ _id: document._id })).toString('hex'), document);
    }
  await insertRaw('mixed', [...seen.values()]);
  const manifest = await roundTrip('mixed');
  expect(manifest.digest.documents).toBe(seen.size);
});

test('fault 38: a time series with buckets of mixed schema', async () => {
  const target = connection.client.db(database);
  await target.createCollection('weather', { timeseries: { timeField: 'at', metaField: 'place' } });
  const measured = Array.from({ length: 200 }, (_, number) => ({
    at: new Date(1.7e12 + number * 1e3),
    place: number % 3,
    degrees: number,
  }));
  await target.collection('weather').insertMany(measured);
  // What servers before 5.2 wrote: one field with several types in one bucket.
  const [bucket] = await target.collection(bucketsOf('weather')).find().limit(1).toArray();
  if (bucket === undefined) throw new Error('there is no bucket');
  const control = {
    ...bucket['control'],
    min: { ...bucket['control'].min, degrees: 'cold' },
    max: { ...bucket['control'].max, degrees: [1] },
  };
  await target.collection(bucketsOf('weather')).insertOne({ ...bucket, _id: new ObjectId(), control });
  const manifest = await roundTrip('weather');
  expect(manifest.collections.map(({ type }) => type)).toEqual(['timeseries']);
});

test('fault 47: many collections, each with an index, in a time that grows with their number only', async () => {
  const target = connection.client.db(database);
  const names = Array.from({ length: 200 }, (_, number) => `many_${number}`);
  for (const name of names) await target.collection(name).insertMany([{ name }, { name, other: true }]);
  const manifest = await roundTrip('many_*');
  expect(manifest.collections.map(({ name }) => name).sort()).toEqual(names.toSorted());
  expect(manifest.digest.documents).toBe(400);
});
