import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ClientSession, Db, Timestamp } from 'mongodb';
import type { EmbeddedServer } from '../../embedded/server.ts';
import { silentLog } from '../../log/log.ts';
import { connect, type Connection } from '../../mongo/connect.ts';
import { Secret } from '../../redaction/secret.ts';
import { disturbedStore } from '../../testing/disturbed-store.ts';
import { startMongod } from '../../testing/mongod.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { differingCollections, truthOf } from '../../testing/truth.ts';
import { createBackup } from '../create.ts';
import { parseRenames } from '../namespaces.ts';
import { restoreBackup } from '../restore.ts';
import { directoryStore } from '../stores/directory.ts';

// A server of its own: whoever asks for the lock of the whole server waits for a prepared transaction, and everybody else behind it.
let server: EmbeddedServer;
let connection: Connection;
let db: Db;

beforeAll(async () => {
  server = await startMongod({ kind: 'replica-set', members: 1 });
  connection = await connect(new Secret(server.uri));
  db = connection.client.db('shop');
  await db.collection('orders').insertMany(Array.from({ length: 2_000 }, (_, n) => ({ _id: n as never, n })));
  await db.collection('users').insertMany([{ name: 'a' }, { name: 'b' }]);
});

afterAll(async () => {
  await connection.client.close();
  await server.stop();
});

const writeConcern = { w: 'majority' } as const;

async function prepare(session: ClientSession, id: number): Promise<Timestamp> {
  session.startTransaction();
  // By the index: on its way through the collection the second one would wait for the first.
  await db.collection('orders').updateOne({ _id: id as never }, { $set: { prepared: true } }, { session });
  const reply = await connection.client.db('admin').command({ prepareTransaction: 1, writeConcern }, { session });
  return reply['prepareTimestamp'] as Timestamp;
}

test('writes of a prepared transaction count from its commit', async () => {
  await using folder = await temporaryFolder();
  const store = directoryStore(folder.path);
  const { client } = connection;
  await using ended = client.startSession();
  await using aborted = client.startSession();
  const commitTimestamp = await prepare(ended, 1);
  await prepare(aborted, 2);
  const end = async (): Promise<void> => {
    await client.db('admin').command({ commitTransaction: 1, commitTimestamp, writeConcern }, { session: ended });
    await client.db('admin').command({ abortTransaction: 1, writeConcern }, { session: aborted });
  };
  // Documents of a prepared transaction can be read only when it has ended: the other collection is whole by then.
  const busy = disturbedStore(store, { at: 'close', path: /users\.bson/ }, end);
  const { id } = await createBackup({ connection, store: busy, selection: { databases: ['shop'] }, consistency: 'oplog', log: silentLog });
  await restoreBackup({ client, store, backupId: id, renames: parseRenames(['shop.*'], ['copy.*']), drop: false, log: silentLog });
  expect(await client.db('copy').collection('orders').countDocuments({ prepared: true })).toBe(1);
  expect(differingCollections(await truthOf(db), await truthOf(client.db('copy')))).toEqual([]);
});
