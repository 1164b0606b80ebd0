import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createBackup } from '../backup/create.ts';
import { readManifest } from '../backup/manifest.ts';
import { backupSource, type RestoreSource } from '../backup/restore-source.ts';
import { directoryStore } from '../backup/stores/directory.ts';
import { silentLog } from '../log/log.ts';
import { openHistory } from '../migration/history/open.ts';
import type { Connection } from '../mongo/connect.ts';
import { makeCheckout, type Checkout } from '../testing/checkout.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import { historyInBackup } from './history-in-backup.ts';

const database = uniqueDatabase('history');
const history = openHistory({ kind: 'migrate-mongo' });
let connection: Connection;
let checkout: Checkout;
let source: RestoreSource;

beforeAll(async () => {
  connection = await connectShared();
  checkout = await makeCheckout({});
  const db = connection.client.db(database);
  await db.collection('orders').insertMany([{ a: 1 }, { a: 2 }]);
  for (const [fileName, day] of [
    ['2.js', 2],
    ['1.js', 1],
  ] as const)
    await history.recordApplied(db, { fileName, appliedAt: new Date(Date.UTC(2026, 0, day)), migrationBlock: 1, fileHash: 'h' });
  const store = directoryStore(checkout.folder);
  const selection = { databases: [database], include: [], exclude: [] };
  const { id } = await createBackup({ connection, store, selection, log: silentLog });
  source = backupSource(store, await readManifest(store, id));
});

afterAll(async () => {
  await dropDatabases(connection.client, [database]);
  await connection.client.close();
  await checkout[Symbol.asyncDispose]();
});

test('is that of the database of which it was taken', async () => {
  const known = await historyInBackup(source, { database, history });
  expect(known).toEqual(await history.read(connection.client.db(database)));
  expect(known?.map(({ fileName }) => fileName)).toEqual(['1.js', '2.js']);
});

test('is empty where no migration was ever applied', async () => {
  expect(await historyInBackup(source, { database, history: openHistory({ kind: 'plain' }) })).toEqual([]);
});

test('is not known where writes have to be replayed first', async () => {
  const replay = {} as NonNullable<RestoreSource['replay']>;
  expect(await historyInBackup({ ...source, replay }, { database, history })).toBeUndefined();
});
