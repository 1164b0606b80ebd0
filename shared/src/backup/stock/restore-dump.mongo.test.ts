import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { BSON, type Db } from 'mongodb';
import { silentLog } from '../../log/log.ts';
import type { Connection } from '../../mongo/connect.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../../testing/mongod.ts';
import { parseStockTruth, stockTruthOf } from '../../testing/stock-truth.ts';
import { stockArchive } from '../../testing/stock-archive.ts';
import { temporaryFolder, type TemporaryFolder } from '../../testing/temporary-folder.ts';
import { restoreAccounts } from '../accounts/restore-accounts.ts';
import { parseRenames } from '../namespaces.ts';
import type { RestoreWishes } from '../restore.ts';
import { Crc64 } from './crc64.ts';
import { accountsOfDump } from './dump-accounts.ts';
import { openDump } from './open-dump.ts';
import { restoreDump, type DumpRestoreResult } from './restore-dump.ts';

const fixtures = fileURLToPath(new URL('fixtures', import.meta.url));
const truth = parseStockTruth(await readFile(path.join(fixtures, 'truth.json'), 'utf8'));
const bson = (value: object): Buffer => Buffer.from(BSON.serialize(value));
const database = uniqueDatabase('stock');
let connection: Connection;
let db: Db;
let folder: TemporaryFolder;

beforeAll(async () => {
  connection = await connectShared();
  db = connection.client.db(database);
});

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
  await dropDatabases(connection.client, [database]);
});

afterAll(() => connection.client.close());

async function restore(location: string, wishes: Partial<RestoreWishes> = {}): Promise<DumpRestoreResult> {
  const dump = await openDump(location);
  if (dump === undefined) throw new Error(`${location} was not taken for a dump`);
  return restoreDump(dump, { client: connection.client, drop: false, log: silentLog, ...wishes });
}

const zoo = path.join(fixtures, 'zoo.archive.gz');
const renames = parseRenames(['zoo.*'], [`${database}.*`]);
const names = async (): Promise<string[]> => (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name).sort();

describe('an archive of every kind of collection', () => {
  test('fault 51: is restored exactly, and again over itself with drop', async () => {
    await restore(zoo, { renames });
    expect(await stockTruthOf(db)).toEqual(truth['zoo']);
    await db.collection<{ _id: number }>('types').deleteMany({});
    await expect(restore(zoo, { renames })).rejects.toMatchObject({ code: 'restore/target-exists' });
    await restore(zoo, { renames, drop: true });
    expect(await stockTruthOf(db)).toEqual(truth['zoo']);
  });

  test('is restored in parts', async () => {
    await restore(zoo, { renames, include: ['capped', 'series'] });
    expect(await names()).toEqual(expect.arrayContaining(['capped', 'series']));
    const capped = await db
      .collection('capped')
      .find({}, { hint: { $natural: 1 } })
      .toArray();
    expect(await names()).toHaveLength(4);
    expect(capped.length).toBe(truth['zoo']?.['capped']?.documents);
  });
});

test('an archive with one collection that the server does not take leaves nothing behind', async () => {
  const twice = [{ _id: 1 }, { _id: 1, again: true }];
  const many = Array.from({ length: 5 }, (_, index) => ({ db: database, collection: `c${index}` }));
  const crc = (documents: readonly object[]): bigint => {
    const sum = new Crc64();
    for (const document of documents) sum.update(bson(document));
    return sum.value();
  };
  const blocks = many.flatMap((one, index) => [
    { ...one, documents: index === 2 ? twice : [{ _id: 1 }] },
    { ...one, crc: crc(index === 2 ? twice : [{ _id: 1 }]) },
  ]);
  const location = path.join(folder.path, 'dump.archive');
  await writeFile(location, stockArchive(many, blocks));
  await expect(restore(location)).rejects.toMatchObject({ code: 'restore/refused', message: expect.stringContaining(`${database}.`) });
  expect(await names()).toEqual([]);
});

describe('users and roles', () => {
  const drop = async (): Promise<void> => {
    for (const command of [{ dropAllUsersFromDatabase: 1 }, { dropAllRolesFromDatabase: 1 }]) await db.command(command);
  };
  afterEach(drop);

  /** The raw documents of an account collection that belong to the database. */
  async function kept(collection: string): Promise<Buffer> {
    const documents = await connection.client
      .db('admin')
      .collection(collection)
      .find(collection === 'system.version' ? { _id: 'authSchema' as never } : { db: database }, { raw: true })
      .toArray();
    return Buffer.concat(documents.map((raw) => raw as unknown as Buffer));
  }

  const asOf = async (): Promise<string> =>
    JSON.stringify(
      [await db.command({ usersInfo: 1, showCredentials: true }), await db.command({ rolesInfo: 1 })].map(
        (one) => one['users'] ?? one['roles'],
      ),
    );

  test.each([
    ['of one database', '$admin.', () => database],
    ['of all databases', '', () => 'admin'],
  ])('%s come back from a folder, and are not restored by themselves', async (_what, prefix, place) => {
    await db.command({ createRole: 'teller', privileges: [], roles: [] });
    await db.command({ createUser: 'app', pwd: 'p', roles: ['teller'] });
    const before = await asOf();
    const at = path.join(folder.path, place());
    await mkdir(at);
    for (const name of ['system.users', 'system.roles', 'system.version'])
      await writeFile(path.join(at, `${prefix}${name}.bson`), await kept(name));
    await mkdir(path.join(folder.path, database), { recursive: true });
    await writeFile(path.join(folder.path, database, 'a.bson'), bson({ _id: 1 }));
    await drop();
    await restore(folder.path);
    expect((await db.command({ usersInfo: 1 }))['users']).toEqual([]);
    const dump = await openDump(folder.path);
    if (dump === undefined) throw new Error('not taken for a dump');
    const wanted = await accountsOfDump(dump, { databases: [database] });
    await restoreAccounts({ client: connection.client, wanted, drop: false, log: silentLog });
    expect(await asOf()).toBe(before);
    expect((await accountsOfDump(dump, { databases: ['other'] })).users.size).toBe(0);
  });

  test('that are not there, or of a form of the past, are refused', async () => {
    const at = path.join(folder.path, 'admin');
    await mkdir(at);
    await writeFile(path.join(at, 'a.bson'), bson({ _id: 1 }));
    const accounts = async (): Promise<unknown> => accountsOfDump((await openDump(folder.path))!, {});
    await expect(accounts()).rejects.toMatchObject({ code: 'restore/no-accounts' });
    await writeFile(path.join(at, 'system.users.bson'), bson({ _id: 'shop.app', user: 'app', db: 'shop' }));
    await writeFile(path.join(at, 'system.version.bson'), bson({ _id: 'authSchema', currentVersion: 1 }));
    await expect(accounts()).rejects.toMatchObject({ code: 'dump/unsupported', message: expect.stringContaining('system.version.bson') });
  });
});

/** A folder of mongodump with one collection and an oplog. */
async function withOplog(documents: readonly object[], entries: readonly object[], metadata = '{"indexes":[]}'): Promise<string> {
  const at = path.join(folder.path, database);
  await mkdir(at, { recursive: true });
  await writeFile(path.join(at, 'a.bson'), Buffer.concat(documents.map(bson)));
  await writeFile(path.join(at, 'a.metadata.json'), metadata);
  await writeFile(
    path.join(folder.path, 'oplog.bson'),
    Buffer.concat(entries.map((entry) => (Buffer.isBuffer(entry) ? entry : bson(entry)))),
  );
  return folder.path;
}

const ns = `${database}.a`;
const command = (o: object): object => ({ op: 'c', ns: `${database}.$cmd`, o });

describe('an oplog', () => {
  test('fault 51: brings documents to its end: what it says twice comes out once', async () => {
    const location = await withOplog(
      [{ _id: 1, a: 1 }, { _id: 2 }, { _id: 4, x: 1 }],
      [
        { op: 'n', ns: '', o: { msg: 'noop' } },
        { op: 'i', ns, o: { _id: 2 } },
        { op: 'i', ns, o: { _id: 3, $odd: 1, t: new BSON.Timestamp(0n) } },
        { op: 'u', ns, o: { $v: 2, diff: { u: { a: 2 } } }, o2: { _id: 1 } },
        { op: 'u', ns, o: { _id: 4, y: 2 }, o2: { _id: 4 } },
        { op: 'd', ns, o: { _id: 2 } },
        { op: 'i', ns: 'config.transactions', o: { _id: 9 } },
      ],
    );
    expect(await restore(location)).toMatchObject({ replayed: 5 });
    const found = await db.collection('a').find().sort({ _id: 1 }).toArray();
    expect(found).toEqual([
      { _id: 1, a: 2 },
      { _id: 3, $odd: 1, t: new BSON.Timestamp(0n) },
      { _id: 4, y: 2 },
    ]);
  });

  test('changes collections, views and indexes, and builds these at the end', async () => {
    const location = await withOplog(
      [
        { _id: 1, u: 1 },
        { _id: 2, u: 1 },
      ],
      [
        command({ createIndexes: 'a', v: 2, key: { gone: 1 }, name: 'gone_1' }),
        command({ dropIndexes: 'a', index: 'gone_1' }),
        command({ commitIndexBuild: 'a', indexes: [{ v: 2, key: { u: 1 }, name: 'u_1', unique: true }] }),
        command({ collMod: 'a', index: { name: 'u_1', hidden: true } }),
        command({ collMod: 'a', validationLevel: 'moderate' }),
        { op: 'd', ns, o: { _id: 2 } },
        command({ create: 'b', idIndex: { v: 2, key: { _id: 1 }, name: '_id_', ns: 'old' } }),
        command({ create: 'b' }),
        { op: 'i', ns: `${database}.b`, o: { _id: 1 } },
        command({ renameCollection: `${database}.b`, to: `${database}.c`, stayTemp: false }),
        command({ create: 'dropped' }),
        command({ drop: 'dropped' }),
        { op: 'i', ns: `${database}.system.views`, o: { _id: `${database}.v`, viewOn: 'a', pipeline: [] } },
        { op: 'i', ns: `${database}.system.views`, o: { _id: `${database}.w`, viewOn: 'a', pipeline: [] } },
        { op: 'd', ns: `${database}.system.views`, o: { _id: `${database}.w` } },
      ],
    );
    await restore(location);
    expect(await names()).toEqual(['a', 'c', 'system.views', 'v']);
    expect((await db.collection('a').indexes()).map(({ name, unique, hidden }) => [name, unique, hidden])).toEqual([
      ['_id_', undefined, undefined],
      ['u_1', true, true],
    ]);
    expect(await db.listCollections({ name: 'a' }).next()).toMatchObject({ options: { validationLevel: 'moderate' } });
  });

  test.each([[{ include: ['a'] }], [{ databases: [database] }], [{ renames: parseRenames(['a.*'], ['b.*']) }]])(
    'is for the whole dump only: not with %j',
    async (wishes) => {
      const location = await withOplog([{ _id: 1 }], []);
      await expect(restore(location, wishes)).rejects.toMatchObject({ code: 'dump/oplog-needs-all' });
      expect(await names()).toEqual([]);
    },
  );

  test('does not write to a collection that is there and not in the dump', async () => {
    await db.collection('other').insertOne({});
    const location = await withOplog([{ _id: 1 }], [{ op: 'i', ns: `${database}.other`, o: { _id: 1 } }]);
    await expect(restore(location, { drop: true })).rejects.toMatchObject({ code: 'restore/target-exists' });
    expect(await names()).toEqual(['other']);
  });

  test('that the server refuses is said with file and offset', async () => {
    const location = await withOplog([{ _id: 1, u: 1 }], [{ op: 'i', ns, o: { _id: { $bad: 1 } } }]);
    await expect(restore(location)).rejects.toMatchObject({
      code: 'dump/oplog-refused',
      message: expect.stringMatching(/oplog\.bson, byte 0: the server did not take an entry for .*server error \d+/),
    });
  });

  test('is refused where the server would end by it: a field name twice beside an empty timestamp', async () => {
    const entry = bson({ op: 'i', ns, o: { _id: 1, t: new BSON.Timestamp(0n), twice: 1, other: 2 } });
    entry.write('twice', entry.indexOf('other'));
    const location = await withOplog([{ _id: 1, twice: 3 }], [entry]);
    await expect(restore(location)).rejects.toMatchObject({
      code: 'dump/oplog-refused',
      message: expect.stringContaining('a field name twice'),
    });
  });
});
