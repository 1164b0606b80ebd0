import { mkdir, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Binary, BSON, Decimal128, Long, ObjectId, Timestamp } from 'mongodb';
import { silentLog } from '../../log/log.ts';
import type { Connection } from '../../mongo/connect.ts';
import { makeCheckout, type Checkout } from '../../testing/checkout.ts';
import { workerProgram } from '../../testing/migration-worker.ts';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '../../testing/mongod.ts';
import { openJournal } from '../journal.ts';
import { acquireLock } from '../lock.ts';
import { openProject } from '../project.ts';
import { runUp } from '../run.ts';

let connection: Connection;
const databases: string[] = [];
const checkouts: Checkout[] = [];
const require = createRequire(import.meta.url);

beforeAll(async () => {
  connection = await connectShared();
});

afterAll(async () => {
  for (const checkout of checkouts) await checkout[Symbol.asyncDispose]();
  await dropDatabases(connection.client, databases);
  await connection.client.close();
});

/** Values of every BSON class that drivers differ in, by the names that all of them know. */
const migration = (source: string): string => `
const { ObjectId, Long, Decimal128, Binary, Timestamp } = ${source};
exports.up = async (db, client) => {
  await db.collection('things').insertOne({
    _id: new ObjectId('0123456789abcdef01234567'),
    long: Long.fromString('9007199254740993'),
    decimal: Decimal128.fromString('0.10'),
    binary: new Binary(Buffer.from('ab'), 0),
    timestamp: new Timestamp(Long.fromString('4294967297')),
  });
  const found = await db.collection('things').findOne({ _id: new ObjectId('0123456789abcdef01234567') }, { promoteLongs: false });
  if (!(found._id instanceof ObjectId)) throw new Error('another ObjectId');
  await client.db(db.databaseName).collection('things').createIndex({ long: 1 });
};`;

test.each([
  ['mongodb 4 of the project', require.resolve('mongodb4/package.json'), /^4\.17\.2 \(project\)$/],
  ['mongodb 5 of the project', require.resolve('mongodb5/package.json'), /^5\.9\.2 \(project\)$/],
  ['mongodb 6 of the project', require.resolve('mongodb6/package.json'), /^6\.22\.0 \(project\)$/],
  ['mongodb 7 of the project', require.resolve('mongodb/package.json'), /^7\.\d+\.\d+ \(project\)$/],
  ['the bundled driver', undefined, /^7\.\d+\.\d+ \(bundled\)$/],
])('a migration runs unchanged with %s', async (_what, installed, driver) => {
  const database = uniqueDatabase('majors');
  databases.push(database);
  const db = connection.client.db(database);
  const checkout = await makeCheckout({
    'migrations/1.js': migration(`require('mongodb')`),
    'migrations/2.mjs': `import { ObjectId } from 'bson'; export const up = (db) => db.collection('others').insertOne({ _id: new ObjectId('0123456789abcdef01234567') });`,
  });
  checkouts.push(checkout);
  if (installed !== undefined) {
    await mkdir(path.join(checkout.folder, 'node_modules'));
    await symlink(path.dirname(installed), path.join(checkout.folder, 'node_modules/mongodb'));
  }
  const lines: string[] = [];
  const log = { ...silentLog, info: (line: string) => lines.push(line) };
  await using project = await openProject({
    workspace: checkout.folder,
    folder: undefined,
    driver: 'auto',
    program: workerProgram,
    env: process.env,
    log,
  });
  await using lock = await acquireLock({ db, owner: 'test', purpose: 'test', log });
  const loaded = await project.load(project.files);
  expect(lines[0]?.replace(/^.*driver /, '')).toMatch(driver);
  await project.connect({ uri: sharedUri(), database, appName: database });
  const journal = openJournal({ db, lock, run: 'test', now: () => new Date() });
  const signal = new AbortController().signal;
  const { done, failure } = await runUp({
    db,
    project,
    files: project.files,
    loaded,
    journal,
    lock,
    appName: database,
    log,
    now: () => new Date(),
    signal,
  });
  expect(failure?.error.message).toBeUndefined();
  expect(done.map(({ name }) => name)).toEqual(['1.js', '2.mjs']);
  expect(done[0]?.effects).toMatchObject({ collections: { things: { inserted: 1 } }, structure: ['createIndexes things'] });
  const [written] = await db.collection('things').find({}, { raw: true }).toArray();
  expect(Buffer.from(written as unknown as Uint8Array).equals(expected)).toBe(true);
});

const expected = BSON.serialize({
  _id: new ObjectId('0123456789abcdef01234567'),
  long: Long.fromString('9007199254740993'),
  decimal: Decimal128.fromString('0.10'),
  binary: new Binary(Buffer.from('ab'), 0),
  timestamp: new Timestamp(Long.fromString('4294967297')),
});
