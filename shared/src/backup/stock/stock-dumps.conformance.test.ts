import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { EmbeddedServer } from '../../embedded/server.ts';
import { silentLog } from '../../log/log.ts';
import { connect, type Connection } from '../../mongo/connect.ts';
import { Secret } from '../../redaction/secret.ts';
import { conformanceFolder } from '../../testing/conformance.ts';
import { dropDatabases, startMongod } from '../../testing/mongod.ts';
import { parseStockTruth, stockTruthOf, type StockTruth } from '../../testing/stock-truth.ts';
import { openDump } from './open-dump.ts';
import { restoreDump, type DumpRestoreResult } from './restore-dump.ts';

const dumps = conformanceFolder('stock-dumps');
let server: EmbeddedServer;
let connection: Connection;
let truth: Readonly<Record<string, StockTruth>>;

beforeAll(async () => {
  truth = parseStockTruth(await readFile(path.join(dumps, 'truth.json'), 'utf8'));
  server = await startMongod({ kind: 'replica-set', members: 1 });
  connection = await connect(new Secret(server.uri));
});

afterEach(() => dropDatabases(connection.client, ['zoo', 'zoo2', 'bank']));

afterAll(async () => {
  await connection.client.close();
  await server.stop();
});

async function restore(location: string, drop = false): Promise<DumpRestoreResult> {
  const dump = await openDump(location);
  if (dump === undefined) throw new Error(`${location} was not taken for a dump`);
  return restoreDump(dump, { client: connection.client, drop, log: silentLog });
}

describe('fault 51: what stock mongodump wrote comes out as by stock mongorestore', () => {
  test.each([
    ['directory', ['zoo', 'zoo2']],
    ['directory-gzip', ['zoo', 'zoo2']],
    ['directory/zoo', ['zoo']],
    ['zoo.archive', ['zoo']],
    ['zoo.archive.gz', ['zoo']],
    ['zoo2.archive', ['zoo2']],
    ['zoo2.archive.gz', ['zoo2']],
  ])('%s', async (form, databases) => {
    await restore(path.join(dumps, form));
    for (const database of databases) expect(await stockTruthOf(connection.client.db(database))).toEqual(truth[database]);
    expect((await connection.client.db('admin').admin().listDatabases()).databases.map(({ name }) => name)).toEqual(
      expect.arrayContaining(databases),
    );
  });

  test.each(['bank-oplog', 'bank-oplog.archive.gz'])('%s, its oplog replayed', async (form) => {
    const { replayed } = await restore(path.join(dumps, form));
    expect(replayed).toBeGreaterThan(30);
    const bank = connection.client.db('bank');
    expect(await stockTruthOf(bank)).toEqual(truth[form]);
    const [sum] = await bank
      .collection('accounts')
      .aggregate([{ $group: { _id: null, balance: { $sum: '$balance' } } }])
      .toArray();
    expect(sum?.['balance']).toBe(200_000);
  });

  test.each(['zoo.archive.gz', 'directory/zoo'])('%s over what is there, with drop', async (form) => {
    await restore(path.join(dumps, form));
    await connection.client.db('zoo').collection<{ _id: string }>('indexes').deleteMany({});
    await restore(path.join(dumps, form), true);
    expect(await stockTruthOf(connection.client.db('zoo'))).toEqual(truth['zoo']);
  });
});

test('public sample databases are restored whole', async () => {
  const { digest, collections } = await restore(path.join(conformanceFolder('datasets'), 'dump'));
  expect(digest.documents).toBe(1_746 + 500 + 1_564 + 185 + 1);
  expect(Object.fromEntries(collections.map((one) => [one.to.collection, one.digest.documents]))).toEqual({
    accounts: 1_746,
    customers: 500,
    theaters: 1_564,
    users: 185,
    sessions: 1,
  });
});
