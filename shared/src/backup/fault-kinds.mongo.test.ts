import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Document } from 'mongodb';
import { silentLog } from '../log/log.ts';
import type { Connection } from '../mongo/connect.ts';
import { fillEveryKind, hardNames } from '../testing/every-kind.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { truthOf, type Truth } from '../testing/truth.ts';
import { createBackup } from './create.ts';
import { parseRenames } from './namespaces.ts';
import { restoreBackup } from './restore.ts';
import { directoryStore } from './stores/directory.ts';

const database = uniqueDatabase('kinds');
const copy = uniqueDatabase('kinds_copy');
let connection: Connection;
let before: Truth;
let after: Truth;

beforeAll(async () => {
  connection = await connectShared();
  const { client } = connection;
  const db = client.db(database);
  await fillEveryKind(db);
  const old: Document = { type: 'Point', coordinates: [1, 2] };
  await db.collection('sphere').insertMany([{ at: old }, { at: old, n: 1 }]);
  await db.collection('sphere').createIndex({ at: '2dsphere' }, { '2dsphereIndexVersion': 1 });
  await db.collection('preimages').insertOne({ n: 1 });
  before = await truthOf(db);
  await using folder = await temporaryFolder();
  const store = directoryStore(folder.path);
  const { id } = await createBackup({ connection, store, selection: { databases: [database] }, log: silentLog });
  const renames = parseRenames([`${database}.*`], [`${copy}.*`]);
  await restoreBackup({ client, store, backupId: id, renames, drop: false, log: silentLog });
  after = await truthOf(client.db(copy));
});

afterAll(async () => {
  await dropDatabases(connection.client, [database, copy]);
  await connection.client.close();
});

test.each<readonly [string, readonly string[]]>([
  ['fault 34: names with spaces, signs, line breaks, other scripts, 200 bytes', hardNames],
  ['fault 37: views on views, with a collation, over nothing', ['view', 'view of view', 'view of nothing']],
  ['fault 40: a clustered collection with an expiry', ['clustered']],
  ['fault 41: a default collation, and an index without it', ['collated']],
  ['fault 42: text, geo of both versions, wildcard, hidden, partial, TTL, unique, hashed, sparse indexes', ['indexed', 'sphere']],
  ['fault 43: a validator that the documents break', ['validated']],
  ['fault 44: pre-images', ['preimages']],
])('%s come back exactly', (_title, names) => {
  for (const name of names) {
    expect(before[name]).toBeDefined();
    expect(after[name]).toBe(before[name]);
  }
});
