import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Db } from 'mongodb';
import { createBackup } from '../backup/create.ts';
import { backupSource, type RestoreSource } from '../backup/restore-source.ts';
import { restoreFrom } from '../backup/restore.ts';
import { directoryStore } from '../backup/stores/directory.ts';
import { silentLog } from '../log/log.ts';
import type { Connection } from '../mongo/connect.ts';
import { disturbedStore } from '../testing/disturbed-store.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import { temporaryFolder, type TemporaryFolder } from '../testing/temporary-folder.ts';
import { differingCollections, truthOf } from '../testing/truth.ts';
import { prepareSource } from './prepared-source.ts';
import { settleSource } from './settled-source.ts';

const database = uniqueDatabase('settle');
const { signal } = new AbortController();
const copies: string[] = [];
let connection: Connection;
let db: Db;
let folder: TemporaryFolder;
let runner: TemporaryFolder;
let version: string;
let from: RestoreSource;

interface Customer {
  readonly _id: number;
  readonly email: string;
}

const customers = (first: number, last: number): Customer[] =>
  Array.from({ length: last - first }, (_, n) => ({ _id: first + n, email: `person${first + n}@shop.test` }));

/** Happens while the documents are read: only the oplog brings what it does. */
async function writeMeanwhile(): Promise<void> {
  const collection = db.collection<Customer>('customers');
  await collection.insertMany(customers(500, 520));
  await collection.deleteMany({ _id: { $lt: 10 } });
  await collection.updateMany({ _id: { $lt: 100 } }, [{ $set: { email: { $concat: ['late-', '$email'] } } }]);
}

beforeAll(async () => {
  connection = await connectShared();
  db = connection.client.db(database);
  [folder, runner] = [await temporaryFolder(), await temporaryFolder()];
  version = connection.serverVersion;
  await db.collection<Customer>('customers').insertMany(customers(0, 500));
  await db.collection('customers').createIndex({ email: 1 }, { unique: true });
  await db.createCollection('events', { capped: true, size: 100_000 });
  await db.collection('events').insertMany(Array.from({ length: 50 }, (_, n) => ({ n })));
  const store = directoryStore(folder.path);
  const busy = disturbedStore(store, { at: 'write', path: /customers\.bson/ }, writeMeanwhile);
  const selection = { databases: [database] };
  from = backupSource(store, await createBackup({ connection, store: busy, selection, consistency: 'oplog', log: silentLog }));
});

afterAll(async () => {
  await dropDatabases(connection.client, [database, ...copies]);
  await connection.client.close();
  for (const one of [folder, runner]) await one[Symbol.asyncDispose]();
});

const settled = (source: RestoreSource): ReturnType<typeof settleSource> =>
  settleSource(source, { database, like: { version }, env: { ...process.env, RUNNER_TEMP: runner.path }, log: silentLog, signal });

async function load(source: RestoreSource): Promise<Db> {
  const name = uniqueDatabase('settled');
  copies.push(name);
  const mapNamespace = ({ collection }: { readonly collection: string }) => ({ database: name, collection });
  await restoreFrom(source, { client: connection.client, mapNamespace, drop: false, log: silentLog });
  return connection.client.db(name);
}

test('what an oplog completes is the same without it, and nothing is left behind', async () => {
  expect(from.replay).toBeDefined();
  const source = await settled(from);
  expect([source.id, source.replay]).toEqual([from.id, undefined]);
  expect(differingCollections(await truthOf(db), await truthOf(await load(source)))).toEqual([]);
  await source[Symbol.asyncDispose]();
  expect(await readdir(runner.path)).toEqual([]);
});

test('so it can be masked and sampled, what was written during the backup too', async () => {
  await using made = new AsyncDisposableStack();
  const preparation = {
    mask: { detect: true, rules: [] },
    sample: { documents: 200, collections: { events: 'all' }, references: {} },
  } as const;
  const settle = async (source: RestoreSource): Promise<RestoreSource> => made.use(await settled(source));
  const { source, tell } = await prepareSource({ from, database, preparation, settle, signal });
  const copy = await load(source);
  const found = await copy.collection<Customer>('customers').find().toArray();
  expect(found).toHaveLength(200);
  expect(found.filter(({ _id }) => _id < 10)).toEqual([]);
  expect(found.some(({ _id }) => _id >= 500)).toBe(true);
  expect(JSON.stringify(found)).not.toMatch(/shop\.test|late-/);
  expect(tell()).toMatchObject({ masked: [{ path: 'email', values: 200 }], sampled: { documents: 250, of: 560 } });
});
