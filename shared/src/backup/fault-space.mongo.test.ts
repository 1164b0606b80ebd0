import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { silentLog } from '../log/log.ts';
import { connect, type Connection } from '../mongo/connect.ts';
import { Secret } from '../redaction/secret.ts';
import { failCommand } from '../testing/fail-command.ts';
import { dropDatabases, sharedUri, uniqueDatabase } from '../testing/mongod.ts';
import { temporaryFolder, type TemporaryFolder } from '../testing/temporary-folder.ts';
import { createBackup } from './create.ts';
import { restoreBackup } from './restore.ts';
import type { BackupStore } from './store.ts';
import { directoryStore } from './stores/directory.ts';

const database = uniqueDatabase('space');
const target = uniqueDatabase('space_target');
const outOfDiskSpace = 14_031;
const appName = 'full-disk';
let connection: Connection;
let folder: TemporaryFolder;
let store: BackupStore;

beforeAll(async () => {
  // Only what this connection asks for fails: the server is shared.
  connection = await connect(new Secret(sharedUri()), { appName });
  folder = await temporaryFolder();
  store = directoryStore(folder.path);
  const documents = Array.from({ length: 1_000 }, (_, n) => ({ n, text: 'x'.repeat(2_000) }));
  await connection.client.db(database).collection('orders').insertMany(documents);
  await connection.client.db(database).collection('orders').createIndex({ n: 1 });
});

afterAll(async () => {
  await dropDatabases(connection.client, [database, target]);
  await connection.client.close();
  await folder[Symbol.asyncDispose]();
});

test.each(['insert', 'createIndexes'])(
  'fault 6: a server whose disk becomes full at %s is a clear failure of the restore, and keeps what it had',
  async (command) => {
    const { client } = connection;
    const { id } = await createBackup({ connection, store, selection: { databases: [database] }, log: silentLog });
    await dropDatabases(client, [target]);
    await client.db(target).collection('orders').insertOne({ kept: true });
    const mapNamespace = ({ collection }: { collection: string }) => ({ database: target, collection });
    const options = { client, store, backupId: id, mapNamespace, drop: true, log: silentLog };
    const data = { failCommands: [command], errorCode: outOfDiskSpace, appName };
    {
      await using _full = await failCommand(client, 'alwaysOn', data);
      await expect(restoreBackup(options)).rejects.toMatchObject({ message: expect.stringMatching(/disk of the server is full/) });
    }
    expect((await client.db(target).listCollections().toArray()).map(({ name }) => name)).toEqual(['orders']);
    expect(await client.db(target).collection('orders').countDocuments({ kept: true })).toBe(1);
    const { digest } = await restoreBackup(options);
    expect(digest.documents).toBe(1_000);
  },
);
