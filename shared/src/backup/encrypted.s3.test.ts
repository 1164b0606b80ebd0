import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { silentLog } from '../log/log.ts';
import type { Connection } from '../mongo/connect.ts';
import { testIdentities, testKey, testRecipients } from '../testing/age-keys.ts';
import { requireProgram } from '../testing/go-programs.ts';
import { fillEveryKind } from '../testing/every-kind.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import { startS3Server, type S3Server } from '../testing/s3-server.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { decryptingStore } from './age/decrypting-store.ts';
import { createBackup } from './create.ts';
import { verifyBackup } from './verify.ts';

const database = uniqueDatabase('age');
const log = silentLog;
let connection: Connection;
let server: S3Server;

beforeAll(async () => {
  connection = await connectShared();
  server = await startS3Server();
  await server.makeBucket('encrypted');
  const db = connection.client.db(database);
  await fillEveryKind(db);
  // More than one part, and many chunks of age.
  const documents = Array.from({ length: 80 }, (_, n) => ({ n, bytes: Buffer.from(crypto.getRandomValues(new Uint8Array(65_536))) }));
  for (let n = 0; n < 4; n++) await db.collection('big').insertMany(documents.map(({ bytes }, m) => ({ n: 80 * n + m, bytes })));
});

afterAll(async () => {
  await dropDatabases(connection.client, [database]);
  await connection.client.close();
  await server[Symbol.asyncDispose]();
});

test('stock age opens every file of an encrypted backup in a bucket, as ours does', async () => {
  await using folder = await temporaryFolder();
  const keyFile = path.join(folder.path, 'key.txt');
  await writeFile(keyFile, `${testKey.secret}\n`);
  const raw = server.store('s3://encrypted/all');
  const { id } = await createBackup({ connection, store: raw, selection: { databases: [database] }, recipients: testRecipients, log });
  const store = decryptingStore(raw, testIdentities);
  await verifyBackup({ store, backupId: id, log });
  const encrypted = (await raw.files(id)).filter((file) => file.path !== `${id}/manifest.json`);
  expect(encrypted.length).toBeGreaterThan(20);
  for (const file of encrypted) {
    expect(file.path).toMatch(/\.age$/);
    const input = await raw.read(file.path);
    const plain = execFileSync(requireProgram('age'), ['--decrypt', '--identity', keyFile], { input, maxBuffer: 2 ** 28 });
    expect((await store.read(file.path))?.equals(plain)).toBe(true);
  }
});
