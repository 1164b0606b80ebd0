import { readdir } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { ClientSession, Db, Document, Timestamp } from 'mongodb';
import type { EmbeddedServer } from '../embedded/server.ts';
import { silentLog, type Log } from '../log/log.ts';
import { connect, type Connection } from '../mongo/connect.ts';
import { Secret } from '../redaction/secret.ts';
import { disturbedStore } from '../testing/disturbed-store.ts';
import { startMongod } from '../testing/mongod.ts';
import { temporaryFolder, type TemporaryFolder } from '../testing/temporary-folder.ts';
import { differingCollections, truthOf } from '../testing/truth.ts';
import type { CreateOptions } from './create-options.ts';
import { createBackup } from './create.ts';
import type { Manifest } from './manifest.ts';
import { restoreBackup } from './restore.ts';
import type { BackupStore } from './store.ts';
import { directoryStore } from './stores/directory.ts';

const accounts = 500;
const startSum = accounts * 100;
let server: EmbeddedServer;
let connection: Connection;
let db: Db;
let folder: TemporaryFolder;
let store: BackupStore;

beforeAll(async () => {
  server = await startMongod({ kind: 'replica-set', members: 1 });
  connection = await connect(new Secret(server.uri));
  db = connection.client.db('bank');
});

beforeEach(async () => {
  folder = await temporaryFolder();
  store = directoryStore(folder.path);
  await db.dropDatabase();
  await db.collection('accounts').insertMany(Array.from({ length: accounts }, (_, n): Document => ({ _id: n as never, balance: 100 })));
  await db.collection('counters').insertOne({ _id: 'c' as never, n: 0 });
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
  await connection.client.db('copy').dropDatabase();
  await setWindow(300);
});

afterAll(async () => {
  await connection.client.close();
  await server.stop();
});

const create = (options: Partial<CreateOptions> = {}): Promise<Manifest> =>
  createBackup({ connection, store, selection: { databases: ['bank'] }, log: silentLog, ...options });

async function restored({ id }: Manifest): Promise<Db> {
  const mapNamespace = ({ collection }: { collection: string }): { database: string; collection: string } => ({
    database: 'copy',
    collection,
  });
  await restoreBackup({ client: connection.client, store, backupId: id, mapNamespace, drop: false, log: silentLog });
  return connection.client.db('copy');
}

const setWindow = (seconds: number): Promise<Document> =>
  connection.client.db('admin').command({ setParameter: 1, minSnapshotHistoryWindowInSeconds: seconds });

/** Writes until the server has no history any more for the time that was chosen before. */
async function untilTooOld(): Promise<void> {
  const { operationTime } = await connection.client.db('admin').command({ ping: 1 });
  await setWindow(0);
  for (;;) {
    await db.collection('counters').updateOne({ _id: 'c' as never }, { $inc: { n: 1 } });
    await connection.client.db('admin').command({ fsync: 1 });
    const at = { level: 'snapshot', atClusterTime: operationTime };
    const found = await db.command({ find: 'accounts', limit: 1, readConcern: at }).catch((error: { code: number }) => error.code);
    if (found === 239) return;
  }
}

describe('fault 21: a snapshot that grows too old', () => {
  test('gives way to the oplog, and what is restored is what the server held at its end', async () => {
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warning: (line) => warnings.push(line) };
    const manifest = await create({ log, store: disturbedStore(store, { at: 'open', path: /bson/ }, untilTooOld) });
    expect(manifest.consistency).toMatchObject({
      kind: 'oplog',
      because: expect.stringContaining('older than the history that the server keeps'),
    });
    expect(warnings).toEqual(expect.arrayContaining([expect.stringContaining('The backup is taken anew, with consistency oplog.')]));
    await setWindow(300);
    expect(differingCollections(await truthOf(db), await truthOf(await restored(manifest)))).toEqual([]);
  });

  test('is a clear failure when nothing else will do', async () => {
    const attempt = create({ consistency: 'snapshot', store: disturbedStore(store, { at: 'open', path: /bson/ }, untilTooOld) });
    await expect(attempt).rejects.toMatchObject({ code: 'server/snapshot-unavailable' });
    expect(await readdir(folder.path)).toEqual([]);
  });

  test('is foreseen from the rate so far', async () => {
    for (let index = 0; index < 10; index++) await db.collection(`part${index}`).insertMany(Array.from({ length: 100 }, () => ({ index })));
    let minutes = 0;
    const now = (): Date => new Date(1.8e12 + minutes * 60_000);
    const late = async (): Promise<void> => {
      minutes += 10;
    };
    const manifest = await create({ now, store: disturbedStore(store, { at: 'close', path: /part/, times: 5 }, late) });
    const because = expect.stringContaining('the server promises to keep a snapshot for 300 s');
    expect(manifest.consistency).toMatchObject({ kind: 'oplog', because });
  });
});

test('fault 22: an oplog that is overwritten before it is read is a clear failure', async () => {
  const parameters = { minSnapshotHistoryWindowInSeconds: 0 };
  await using small = await startMongod(
    { kind: 'replica-set', members: 1 },
    { args: ['--oplogSize', '1', '--syncdelay', '1'], parameters },
  );
  await using other = await connect(new Secret(small.uri));
  const { client } = other;
  await client.db('bank').collection('accounts').insertOne({ balance: 1 });
  const oplog = client.db('local').collection<{ ts: Timestamp }>('oplog.rs');
  const overwrite = async (): Promise<void> => {
    const newest = await oplog.findOne({}, { sort: { $natural: -1 } });
    const rows = Array.from({ length: 20 }, () => ({ text: 'x'.repeat(100_000) }));
    const first = (): Promise<{ ts: Timestamp } | null> => oplog.findOne({}, { sort: { $natural: 1 } });
    while ((await first())?.ts.greaterThan(newest?.ts ?? 0) !== true)
      await client
        .db('filler')
        .collection('a')
        .insertMany(rows.map((row) => ({ ...row })));
  };
  const busy = disturbedStore(store, { at: 'open', path: /\/dump\/oplog/ }, overwrite);
  await expect(create({ connection: other, consistency: 'oplog', store: busy })).rejects.toMatchObject({
    code: 'backup/oplog-rolled-over',
  });
  expect(await readdir(folder.path)).toEqual([]);
});

/** Moves money to and fro, and counts, until it is told to stop. Returns the last count. */
async function transferUntil(stopped: () => boolean): Promise<number> {
  const random = (): number => Math.floor(Math.random() * accounts);
  let n = 0;
  await connection.client.withSession(async (session) => {
    while (!stopped()) {
      n++;
      await session.withTransaction(async () => transfer(session, { from: random(), to: random(), n }));
    }
  });
  return n;
}

async function transfer(
  session: ClientSession,
  { from, to, n }: { readonly from: number; readonly to: number; readonly n: number },
): Promise<void> {
  await db.collection('accounts').updateOne({ _id: from as never }, { $inc: { balance: -7 } }, { session });
  await db.collection('accounts').updateOne({ _id: to as never }, { $inc: { balance: 7 } }, { session });
  await db.collection('counters').updateOne({ _id: 'c' as never }, { $set: { n } }, { session });
  await db.collection('transfers').insertOne({ n, from, to }, { session });
}

describe.each(['snapshot', 'oplog'] as const)('with consistency %s', (consistency) => {
  test('fault 24: money that is moved during a backup is neither lost nor made, and nothing is newer than its end', async () => {
    await db.createCollection('transfers');
    let stopped = false;
    const writing = transferUntil(() => stopped);
    const started = async (): Promise<boolean> => (await db.collection('transfers').countDocuments()) > 50;
    while (!(await started()));
    const between = async (): Promise<void> => {
      const before = await db.collection('transfers').countDocuments();
      while ((await db.collection('transfers').countDocuments()) < before + 50);
    };
    const manifest = await create({ consistency, store: disturbedStore(store, { at: 'close', path: /bson/, times: 3 }, between) });
    const [after] = await db.collection<{ n: number }>('counters').find().toArray();
    stopped = true;
    await writing;
    const copy = await restored(manifest);
    const [{ sum, n } = { sum: 0, n: 0 }] = await copy
      .collection('accounts')
      .aggregate<{ sum: number; n: number }>([{ $group: { _id: null, sum: { $sum: '$balance' }, n: { $sum: 1 } } }])
      .toArray();
    expect([n, sum]).toEqual([accounts, startSum]);
    const transfers = await copy.collection<{ n: number }>('transfers').find().sort({ n: 1 }).toArray();
    expect(transfers.map((one) => one.n)).toEqual(transfers.map((_, index) => index + 1));
    expect(await copy.collection('counters').findOne()).toMatchObject({ n: transfers.length });
    expect(transfers.length).toBeLessThanOrEqual(after?.n ?? 0);
  });

  test('fault 25: a transaction that is open at the start is in the backup whole or not at all', async () => {
    const session = connection.client.startSession();
    session.startTransaction();
    await transfer(session, { from: 1, to: 2, n: 1 }).catch(() => undefined);
    const manifest = await create({
      consistency,
      store: disturbedStore(store, { at: 'close', path: /accounts\.bson/ }, () => session.commitTransaction()),
    });
    await session.endSession();
    const balances = await (
      await restored(manifest)
    )
      .collection<{ balance: number }>('accounts')
      .find({ _id: { $in: [1, 2] } as never })
      .sort({ _id: 1 })
      .toArray();
    expect(balances.map(({ balance }) => balance)).toEqual(consistency === 'snapshot' ? [100, 100] : [93, 107]);
  });
});
