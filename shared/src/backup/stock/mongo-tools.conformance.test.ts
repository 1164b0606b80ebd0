import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { EmbeddedServer } from '../../embedded/server.ts';
import { silentLog } from '../../log/log.ts';
import { connect, type Connection } from '../../mongo/connect.ts';
import { parseExtendedJson, toRaw } from '../../mongo/extended-json.ts';
import { Secret } from '../../redaction/secret.ts';
import { conformanceFolder } from '../../testing/conformance.ts';
import { dropDatabases, startMongod } from '../../testing/mongod.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { openDump } from './open-dump.ts';
import { restoreDump, type DumpRestoreResult } from './restore-dump.ts';

const restored = path.join(conformanceFolder('mongo-tools'), 'mongorestore/testdata');
const dumped = path.join(conformanceFolder('mongo-tools'), 'mongodump/testdata');
const shown = path.join(conformanceFolder('mongo-tools'), 'bsondump/testdata');
let server: EmbeddedServer;
let connection: Connection;

beforeAll(async () => {
  server = await startMongod({ kind: 'replica-set', members: 1 });
  connection = await connect(new Secret(server.uri));
});

afterEach(async () => {
  const { databases } = await connection.client.db('admin').admin().listDatabases();
  await dropDatabases(
    connection.client,
    databases.map(({ name }) => name).filter((name) => !['admin', 'config', 'local'].includes(name)),
  );
});

afterAll(async () => {
  await connection.client.close();
  await server.stop();
});

async function restore(location: string): Promise<DumpRestoreResult> {
  const dump = await openDump(location);
  if (dump === undefined) throw new Error(`${location} was not taken for a dump`);
  return restoreDump(dump, { client: connection.client, drop: false, log: silentLog });
}

/** Documents and names of indexes of every collection: `{ 'test.foo': '1 _id_' }`. */
async function holdings(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const { databases } = await connection.client.db('admin').admin().listDatabases();
  for (const { name } of databases.filter((database) => !['admin', 'config', 'local'].includes(database.name)))
    for (const collection of await connection.client.db(name).listCollections({}, { nameOnly: true }).toArray()) {
      if (collection.name.startsWith('system.')) continue;
      const db = connection.client.db(name);
      const indexes = (await db.collection(collection.name).indexes()).map((index) => String(index.name));
      const documents = await db.collection(collection.name).countDocuments();
      found[`${name}.${collection.name}`] = [documents, ...indexes.sort()].join(' ');
    }
  return found;
}

describe('dumps that are restored', () => {
  test.each<readonly [string, Readonly<Record<string, string>>]>([
    ['aws_test_db', { 'aws_test_db.c1': '3 _id_' }],
    ['coll_with_index', { 'test.foo': '1 _id_ f_1' }],
    ['coll_without_index', { 'test.foo': '1 _id_' }],
    ['commit_indexes_build', { 'commit_index.test': '1 _id_ a_1 b_1' }],
    ['create_indexes', { 'create_indexes.test': '0 _id_ a_1 b_1' }],
    ['dump_oplog_conflict', { 'test.data': '5 _id_' }],
    ['dump_with_noop_in_oplog', { 'test.data': '1 _id_' }],
    ['foodump', { 'test.foo': '1 _id_' }],
    ['indexmetadata', { 'indextest.test_coll_no_index_ns': '100 _id_ a_1_b_true' }],
    ['oplog_ignore_index', {}],
    ['oplog_partial_skips', { 'db3.c1': '5 _id_' }],
    ['oplogdump', { 'db1.c1': '10 _id_' }],
    ['prelude_test/prelude_db_target/test', { 'test.foo': '1 _id_' }],
    ['prelude_test/prelude_gzip', { 'test.foo': '1 _id_' }],
    ['prelude_test/prelude_top_level', { 'test.foo': '1 _id_' }],
    ['specialcharacter', { 'db1.cafés': '1 _id_' }],
    ['testdirs', { 'db1.c1': '100 _id_', 'db1.c2': '0 _id_', 'db1.c3': '0 _id_', 'db1.c4': '10 _id_' }],
    ['timeseries_tests/ts_dump', { 'timeseries_test.foo_ts': '1000 meta.device_1 ts_1_meta.device_1' }],
    ['timeseries_tests/dump.archive', { 'timeseries_test.foo_ts': '1000 meta.device_1 ts_1_meta.device_1' }],
    ['tools-2002', { 'foo.bar': '0 _id_ a_1_b_1' }],
    ['dump-w-oplog.archive', { 'test.foo': '25 _id_' }],
    ['test.bar.archive', { 'test.bar': '1 _id_' }],
  ])('%s', async (name, expected) => {
    await restore(path.join(restored, name));
    expect(await holdings()).toEqual(expected);
  });

  test('a name that was cut comes from the metadata', async () => {
    await restore(path.join(restored, 'longcollectionname/db1'));
    const [name] = Object.keys(await holdings());
    expect(name).toMatch(/^db1\.aVery.*ConsistingOfExactlyTwoHundredAndFortySevenCharacters$/);
  });
});

describe('dumps that are refused, before anything is written', () => {
  test.each([
    ['bad-format.archive', 'dump/damaged', /bad-format\.archive, byte \d+: the metadata of test\.ixtest/],
    ['longcollectionname', 'dump/incomplete', /the name is cut/],
    ['timeseries_tests/ts_single_buckets_file', 'dump/incomplete', /metadata of the time series .*foo_ts are missing/],
    ['transactions.json', 'dump/damaged', /no archive of mongodump/],
    ['usersdump', 'backup/nothing-selected', /nothing that was asked for/],
    ['dump_local_oplog', 'backup/nothing-selected', /nothing that was asked for/],
    ['local', 'backup/nothing-selected', /nothing that was asked for/],
    ['indextestdump', 'server/failed', /indextest\.test_collection/],
  ])('%s: %s', async (name, code, message) => {
    await expect(restore(path.join(restored, name))).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(await holdings()).toEqual({});
  });
});

/** A folder of mongodump with one database, made of one file. */
async function restoreFile(source: string, name: string): Promise<DumpRestoreResult> {
  await using folder = await temporaryFolder();
  await mkdir(path.join(folder.path, 'shop'));
  await copyFile(source, path.join(folder.path, name));
  const metadata = source.replace(/\.bson$/, '.metadata.json');
  await copyFile(metadata, path.join(folder.path, 'shop', path.basename(metadata))).catch(() => undefined);
  return await restore(folder.path);
}

describe('single files of documents', () => {
  test.each([
    [restored, 'hashedIndexes', '2 _id_ a.a_1 a.b_hashed b_hashed'],
    [restored, 'test_auto_idx', '2 _id_'],
    [restored, 'auth_version_3', '1 _id_'],
    [restored, 'auth_version_5', '1 _id_'],
    [restored, 'system.version.no_auth_schema', undefined],
    [shown, 'all_types', '20 _id_'],
    // The keys of an array are not 0, 1, 2: valid BSON, and kept as it is.
    [shown, 'broken_array', '20 _id_'],
    [shown, 'sample', '4 _id_'],
  ])('%s/%s', async (folder, name, expected) => {
    const restoring = restoreFile(path.join(folder, `${name}.bson`), `shop/${name}.bson`);
    if (expected === undefined) await expect(restoring).rejects.toMatchObject({ code: 'backup/nothing-selected' });
    else await restoring;
    expect(await holdings()).toEqual(expected === undefined ? {} : { [`shop.${name}`]: expected });
  });

  test.each([
    ['partial_file', 'dump/incomplete'],
    ['all_in_one_doc', 'dump/unsupported'],
    ['bad_cstring', 'dump/damaged'],
    ['bad_type', 'dump/damaged'],
    ['random_bytes', 'dump/damaged'],
    ['invalid_field_name', 'dump/incomplete'],
    ['deep_nested', 'dump/damaged'],
  ])('%s is refused with file and offset: %s', async (name, code) => {
    await expect(restoreFile(path.join(shown, `${name}.bson`), `shop/${name}.bson`)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(new RegExp(`${name}\\.bson, byte \\d+: `)),
    });
    expect(await holdings()).toEqual({});
  });
});

describe('oplogs', () => {
  test.each<readonly [string, Readonly<Record<string, string>>]>([
    ['extra_oplog', { 'test.data': '5 _id_' }],
    ['oplogs/bson/bypassDocumentValidation', { 'mongodump_test_db.coll1': '3 _id_' }],
    ['oplogs/bson/collMod', {}],
    ['oplogs/bson/collMod_indexUniqueness', { 'mongodump_test_db.coll1': '0 _id_ a_1 b_1 c_1 d_1' }],
    ['oplogs/bson/collMod_with_hidden', {}],
    ['oplogs/bson/commit_index', {}],
    ['oplogs/bson/create_index', {}],
    ['oplogs/bson/drop_collection', {}],
    ['oplogs/bson/drop_db', {}],
    ['oplogs/bson/drop_index', {}],
    ['oplogs/bson/linked_vectored_inserts', { 'mongodump_test_db.coll1': '5 _id_' }],
    ['oplogs/bson/vectored_insert', { 'mongodump_test_db.coll1': '2 _id_' }],
  ])('%s', async (name, expected) => {
    await restoreFile(path.join(restored, `${name}.bson`), 'oplog.bson');
    expect(await holdings()).toEqual(expected);
  });

  test('an entry that cannot be replayed is refused before anything is written', async () => {
    await expect(restoreFile(path.join(dumped, 'importCollection.bson'), 'oplog.bson')).rejects.toMatchObject({
      code: 'dump/unsupported',
      message: expect.stringMatching(/oplog\.bson, byte \d+: .*importCollection/),
    });
    expect(await holdings()).toEqual({});
  });
});

const cases = z.record(
  z.string(),
  z.object({ ops: z.array(z.unknown()), ns: z.string(), postimage: z.array(z.record(z.string(), z.unknown())) }),
);

describe.each(['transactions.json', 'transactions-6.1.json'])('transactions of %s', (file) => {
  test('take effect at their commit, or not at all', async () => {
    for (const [name, { ops, ns, postimage }] of Object.entries(
      cases.parse(JSON.parse(await readFile(path.join(restored, file), 'utf8'))),
    )) {
      await using folder = await temporaryFolder();
      const entries = ops.map((entry) => toRaw(parseExtendedJson(JSON.stringify(entry))));
      await writeFile(path.join(folder.path, 'oplog.bson'), Buffer.concat(entries));
      await restore(folder.path);
      const [database = '', collection = ''] = ns.split('.');
      const found = await connection.client.db(database).collection(collection).find().sort({ _id: 1 }).toArray();
      expect([name, found]).toEqual([name, postimage]);
    }
  });
});
