import { readdir } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Document } from 'mongodb';
import type { EmbeddedServer } from '../embedded/server.ts';
import { silentLog } from '../log/log.ts';
import { connect, type Connection } from '../mongo/connect.ts';
import { Secret } from '../redaction/secret.ts';
import { disturbedStore, type Disturbance } from '../testing/disturbed-store.ts';
import { holdBack, startMongod } from '../testing/mongod.ts';
import { startTcpProxy } from '../testing/tcp-proxy.ts';
import { temporaryFolder, type TemporaryFolder } from '../testing/temporary-folder.ts';
import { differingCollections, truthOf, type Truth } from '../testing/truth.ts';
import type { CreateOptions } from './create-options.ts';
import { createBackup } from './create.ts';
import type { Manifest } from './manifest.ts';
import { restoreBackup, type RestoreOptions, type RestoreResult } from './restore.ts';
import type { BackupStore } from './store.ts';
import { directoryStore } from './stores/directory.ts';

/** More than three replies of the server. */
const documents = 3_400;
let server: EmbeddedServer;
let connection: Connection;
let truth: Truth;
let folder: TemporaryFolder;
let store: BackupStore;

beforeAll(async () => {
  server = await startMongod({ kind: 'replica-set', members: 3 });
  connection = await connect(new Secret(server.uri));
  const { config } = await connection.client.db('admin').command({ replSetGetConfig: 1 });
  const settings = { ...config.settings, chainingAllowed: false, electionTimeoutMillis: 1_500, heartbeatIntervalMillis: 300 };
  await connection.client.db('admin').command({ replSetReconfig: { ...config, version: config.version + 1, settings } });
  const text = 'abcdefghij'.repeat(1_500);
  const db = connection.client.db('shop');
  await db.collection('orders').insertMany(
    Array.from({ length: documents }, (_, n): Document => ({ n, text: text + String(n) })),
    { writeConcern: { w: 3 } },
  );
  await db.collection('users').insertOne({ name: 'a' }, { writeConcern: { w: 3 } });
  truth = await truthOf(db);
});

beforeEach(async () => {
  folder = await temporaryFolder();
  store = directoryStore(folder.path);
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
  await connection.client.db('copy').dropDatabase();
});

afterAll(async () => {
  await connection.client.close();
  await server.stop();
});

const create = (options: Partial<CreateOptions> = {}): Promise<Manifest> =>
  createBackup({ connection, store, selection: { databases: ['shop'] }, log: silentLog, ...options });

const restore = ({ id }: Manifest, options: Partial<RestoreOptions> = {}): Promise<RestoreResult> =>
  restoreBackup({
    client: connection.client,
    store,
    backupId: id,
    mapNamespace: ({ collection }) => ({ database: 'copy', collection }),
    drop: false,
    log: silentLog,
    ...options,
  });

async function expectExact(manifest: Manifest): Promise<void> {
  await restore(manifest);
  expect(differingCollections(truth, await truthOf(connection.client.db('copy')))).toEqual([]);
}

const firstPiece: Disturbance = { at: 'write', path: /orders\.bson/ };

interface Member {
  readonly name: string;
  readonly stateStr: string;
}

async function memberInState(state: 'PRIMARY' | 'SECONDARY'): Promise<string> {
  const { members } = await connection.client.db('admin').command({ replSetGetStatus: 1 });
  return (members as readonly Member[]).find(({ stateStr }) => stateStr === state)?.name ?? '';
}

const directly = (name: string, options = ''): Promise<Connection> =>
  connect(new Secret(`mongodb://${name}/?directConnection=true${options}`));

const stepDown = (): Promise<unknown> =>
  connection.client.db('admin').command({ replSetStepDown: 5, secondaryCatchUpPeriodSecs: 3, force: true });

describe.each(['snapshot', 'oplog'] as const)('with consistency %s', (consistency) => {
  test('fault 19: the primary steps down during a backup: what was being read is read again from the new one', async () => {
    const manifest = await create({ consistency, store: disturbedStore(store, firstPiece, stepDown) });
    expect(manifest.consistency.kind).toBe(consistency);
    await expectExact(manifest);
  });

  test.each([
    [43, 'CursorNotFound'],
    [237, 'CursorKilled'],
  ])('fault 20: a cursor that is lost (%i, %s) costs one more reading', async (errorCode) => {
    const fail = {
      configureFailPoint: 'failCommand',
      mode: { times: 1 },
      data: { failCommands: ['getMore'], errorCode, namespace: 'shop.orders' },
    };
    await connection.client.db('admin').command(fail);
    await expectExact(await create({ consistency }));
  });
});

test('fault 20: cursors that are lost again and again are a clear failure, and no backup', async () => {
  const data = { failCommands: ['getMore'], errorCode: 43, namespace: 'shop.orders' };
  const admin = connection.client.db('admin');
  await admin.command({ configureFailPoint: 'failCommand', mode: 'alwaysOn', data });
  try {
    await expect(create()).rejects.toMatchObject({ code: 'server/failed', message: expect.stringContaining('Backing up shop.orders') });
  } finally {
    await admin.command({ configureFailPoint: 'failCommand', mode: 'off' });
  }
  expect(await readdir(folder.path)).toEqual([]);
});

test('fault 19: the primary steps down during a restore: the target is as it was, and the next restore is exact', async () => {
  const manifest = await create();
  const disturbed = disturbedStore(store, { at: 'read', path: /orders\.bson/ }, stepDown);
  const outcome = await restore(manifest, { store: disturbed }).then(
    () => 'restored',
    (error: { code: string }) => error.code,
  );
  expect(['restored', 'server/interrupted', 'restore/refused']).toContain(outcome);
  if (outcome !== 'restored') expect(await connection.client.db('copy').collections()).toEqual([]);
  await connection.client.db('copy').dropDatabase();
  await expectExact(manifest);
});

test('fault 19: the server of a restore is killed: a clear failure', async () => {
  const manifest = await create();
  await using alone = await startMongod({ kind: 'standalone' });
  await using target = await connect(new Secret(`${alone.uri}&serverSelectionTimeoutMS=1000`));
  const { pid } = await target.client.db('admin').command({ serverStatus: 1 });
  const kill = async (): Promise<boolean> => process.kill(Number(pid), 'SIGKILL');
  const attempt = restore(manifest, { client: target.client, store: disturbedStore(store, { at: 'read', path: /orders\.bson/ }, kill) });
  const failure = await attempt.then(
    () => undefined,
    (error: { code: string; message: string }) => error,
  );
  expect([failure?.code, failure?.message]).toEqual([
    expect.stringMatching(/^(server\/interrupted|target\/unreachable)$/),
    expect.any(String),
  ]);
});

test('fault 26: a secondary that lags shows an older time, and that exactly', async () => {
  await connection.client
    .db('copy')
    .collection('settled')
    .insertOne({}, { writeConcern: { w: 3 } });
  const secondary = await memberInState('SECONDARY');
  await using _held = await holdBack(secondary);
  await using member = await directly(secondary);
  const users = connection.client.db('shop').collection('users');
  await users.insertOne({ name: 'late' }, { writeConcern: { w: 'majority' } });
  const manifest = await create({ connection: member });
  await users.deleteOne({ name: 'late' });
  await connection.client.db('copy').dropDatabase();
  expect(manifest.consistency.kind).toBe('snapshot');
  await expectExact(manifest);
});

test('fault 29: a write that is not confirmed in time is a failure of the restore', async () => {
  const manifest = await create();
  const writeConcernError = {
    code: 64,
    codeName: 'WriteConcernFailed',
    errmsg: 'waiting for replication timed out',
    errInfo: { wtimeout: true },
  };
  const data = { failCommands: ['renameCollection'], writeConcernError };
  await connection.client.db('admin').command({ configureFailPoint: 'failCommand', mode: { times: 1 }, data });
  await expect(restore(manifest)).rejects.toMatchObject({
    code: 'server/failed',
    message: expect.stringContaining('not enough members of the replica set confirmed the write in time'),
  });
});

describe('fault 28: the network', () => {
  const hasty = '&heartbeatFrequencyMS=500&connectTimeoutMS=1000&serverSelectionTimeoutMS=2000';

  async function throughProxy(
    bytesPerSecond: number,
    work: (proxy: Awaited<ReturnType<typeof startTcpProxy>>, connection: Connection) => Promise<void>,
  ): Promise<void> {
    const [host = '', port = ''] = (await memberInState('PRIMARY')).split(':');
    await using proxy = await startTcpProxy({ host, port: Number(port) }, bytesPerSecond);
    await using through = await directly(`127.0.0.1:${proxy.port}`, hasty);
    await work(proxy, through);
  }

  test('cut for good is a clear failure, and no backup', () =>
    throughProxy(Infinity, async (proxy, through) => {
      const attempt = create({ connection: through, store: disturbedStore(store, firstPiece, async () => proxy.lose()) });
      await expect(attempt).rejects.toMatchObject({ code: expect.stringMatching(/^(server\/interrupted|target\/unreachable)$/) });
      expect(await readdir(folder.path)).toEqual([]);
      proxy.heal();
    }));

  test('cut and there again costs one more reading', () =>
    throughProxy(Infinity, async (proxy, through) => {
      await expectExact(await create({ connection: through, store: disturbedStore(store, firstPiece, async () => proxy.reset()) }));
    }));

  test('slow only takes longer', () =>
    throughProxy(2_000_000, async (_proxy, through) => {
      const manifest = await create({ connection: through, selection: { databases: ['shop'], include: ['users'] } });
      expect(manifest.digest.documents).toBe(1);
    }));
});

test('fault 19: the primary is killed during a backup: what was being read is read again from the new one', async () => {
  const kill = async (): Promise<void> => {
    await using primary = await directly(await memberInState('PRIMARY'));
    const { pid } = await primary.client.db('admin').command({ serverStatus: 1, repl: 0 });
    process.kill(Number(pid), 'SIGKILL');
  };
  await expectExact(await create({ store: disturbedStore(store, firstPiece, kill) }));
});
