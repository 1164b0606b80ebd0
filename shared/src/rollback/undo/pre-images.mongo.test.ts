import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Db } from 'mongodb';
import { silentLog } from '../../log/log.ts';
import { connect, type Connection } from '../../mongo/connect.ts';
import { Secret } from '../../redaction/secret.ts';
import { connectShared, dropDatabases, startMongod, uniqueDatabase } from '../../testing/mongod.ts';
import { switchOffPreImages, switchOnPreImages, uuidsSwitchedOn } from './pre-images.ts';

let connection: Connection;
const databases: string[] = [];

beforeAll(async () => {
  connection = await connectShared();
});

afterAll(async () => {
  await dropDatabases(connection.client, databases);
  await connection.client.close();
});

function database(): Db {
  const name = uniqueDatabase('pre_images');
  databases.push(name);
  return connection.client.db(name);
}

async function keeping(db: Db): Promise<readonly string[]> {
  const collections = await db.listCollections<{ name: string; options?: { changeStreamPreAndPostImages?: object } }>().toArray();
  return collections
    .filter(({ options }) => options?.changeStreamPreAndPostImages !== undefined)
    .map(({ name }) => name)
    .sort();
}

test('switches on where they are off, and off again what it switched on, under any name', async () => {
  const db = database();
  await db.createCollection('plain');
  await db.createCollection('kept', { changeStreamPreAndPostImages: { enabled: true } });
  await db.createCollection('seen', { viewOn: 'plain', pipeline: [] });
  await db.createCollection('series', { timeseries: { timeField: 't' } });
  expect(await switchOnPreImages({ db, log: silentLog })).toEqual({ collections: ['plain'] });
  expect(await keeping(db)).toEqual(['kept', 'plain']);
  await db.collection('plain').rename('renamed');
  expect(await switchOffPreImages(db)).toEqual(['renamed']);
  expect(await keeping(db)).toEqual(['kept']);
  expect(await switchOffPreImages(db)).toEqual([]);
});

test('takes only the named collections, and forgets nothing of a run that was killed', async () => {
  const db = database();
  for (const name of ['a', 'b', 'c']) await db.createCollection(name);
  await switchOnPreImages({ db, collections: ['a'], log: silentLog });
  // The next run begins without having switched off what the first one did.
  await switchOnPreImages({ db, collections: ['b'], log: silentLog });
  expect((await uuidsSwitchedOn(db)).size).toBe(2);
  await db.dropCollection('b');
  expect(await switchOffPreImages(db)).toEqual(['a']);
  expect(await keeping(db)).toEqual([]);
});

test('tells why there are none on a standalone server, and without the right', async () => {
  await using alone = await startMongod({ kind: 'standalone' });
  await using toAlone = await connect(new Secret(alone.uri));
  await toAlone.client.db('some').createCollection('a');
  expect(await switchOnPreImages({ db: toAlone.client.db('some'), log: silentLog })).toEqual({
    collections: [],
    why: 'a standalone server keeps none',
  });
  await using guarded = await startMongod({ kind: 'replica-set', members: 1 }, { rootPassword: 'root' });
  const uriOf = (user: string): Secret =>
    new Secret(guarded.uri.replace('mongodb://', `mongodb://${user}:root@`).replace(/\/([^/]*)\?/, '/$1?authSource=admin&'));
  await using root = await connect(uriOf('root'));
  await root.client.db('some').createCollection('a');
  await root.client.db('admin').command({
    createRole: 'narrow',
    privileges: [{ resource: { db: 'some', collection: '' }, actions: ['find', 'insert', 'update', 'listCollections', 'listIndexes'] }],
    roles: [],
  });
  await root.client.db('admin').command({ createUser: 'narrow', pwd: 'root', roles: ['narrow'] });
  await using narrow = await connect(uriOf('narrow'));
  const warnings: string[] = [];
  const log = { ...silentLog, warning: (line: string) => void warnings.push(line) };
  expect(await switchOnPreImages({ db: narrow.client.db('some'), log })).toEqual({
    collections: [],
    why: expect.stringContaining('privilege'),
  });
  expect(warnings).toEqual([expect.stringContaining('from the backup')]);
}, 30_000);
