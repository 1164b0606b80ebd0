import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Collection, Db, Document, Timestamp } from 'mongodb';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import { openChanges, timeOf, type Changes } from './change-stream.ts';
import type { Connection } from './connect.ts';
import { elementOf, stringOf } from './raw-bson.ts';

interface Thing extends Document {
  readonly _id: number;
}

let connection: Connection;
const databases: string[] = [];

beforeAll(async () => {
  connection = await connectShared();
});

afterAll(async () => {
  await dropDatabases(connection.client, databases);
  await connection.client.close();
});

async function timeNow(db: Db): Promise<bigint> {
  return timeOf((await db.command({ ping: 1 }))['operationTime'] as Timestamp);
}

async function start(): Promise<{ readonly db: Db; readonly things: Collection<Thing>; readonly changes: Changes }> {
  const name = uniqueDatabase('changes');
  databases.push(name);
  const db = connection.client.db(name);
  const things = await db.createCollection<Thing>('things');
  const changes = openChanges({ client: connection.client, database: name, after: await timeNow(db), preImages: true, definitions: true });
  return { db, things, changes };
}

/** What happened until now: kinds of the events and their `_id`. */
async function readOn(changes: Changes, db: Db): Promise<readonly string[]> {
  const seen: string[] = [];
  await changes.readUntil(await timeNow(db), (event) => {
    const id = elementOf(elementOf(event, 'documentKey')?.value ?? Buffer.from([5, 0, 0, 0, 0]), '_id')?.value.readInt32LE();
    seen.push(`${stringOf(elementOf(event, 'operationType')?.value ?? Buffer.alloc(5))} ${id}`);
  });
  return seen;
}

test('reads a transaction whose events do not fit into one reply to its end, and no event twice', async () => {
  const { db, things, changes } = await start();
  const many = Array.from({ length: 30 }, (_, _id): Thing => ({ _id, text: 'x'.repeat(2 ** 20) }));
  await connection.client.withSession((session) => session.withTransaction(() => things.insertMany(many, { session })));
  const committed = await timeNow(db);
  expect(await readOn(changes, db)).toEqual(many.map(({ _id }) => `insert ${_id}`));
  expect(changes.reached).toBeGreaterThanOrEqual(committed);
  await things.deleteOne({ _id: 3 });
  expect(await readOn(changes, db)).toEqual(['delete 3']);
  await changes.close();
});

test('reads more events than one reply holds in their order, each once', async () => {
  const { db, things, changes } = await start();
  const many = Array.from({ length: 10_000 }, (_, _id): Thing => ({ _id }));
  await things.insertMany(many);
  expect(await readOn(changes, db)).toEqual(many.map(({ _id }) => `insert ${_id}`));
  await changes.close();
});

test('tells nothing of what is done in transactions of the sessions that are left out', async () => {
  const { db, things, changes } = await start();
  await using session = connection.client.startSession();
  const id = Buffer.from(session.id?.id.buffer ?? []).toString('hex');
  await things.insertOne({ _id: 1 });
  expect(await readOn(changes, db)).toEqual(['insert 1']);
  await changes.leaveOut([id]);
  await session.withTransaction(() => things.insertMany([{ _id: 2 }, { _id: 3 }], { session }));
  await things.insertOne({ _id: 4 });
  await connection.client.withSession((other) => other.withTransaction(() => things.insertOne({ _id: 5 }, { session: other })));
  expect(await readOn(changes, db)).toEqual(['insert 4', 'insert 5']);
  await changes.close();
});
