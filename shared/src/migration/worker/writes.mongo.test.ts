import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { BSON, type Db } from 'mongodb';
import { connect, type Connection } from '../../mongo/connect.ts';
import { Secret } from '../../redaction/secret.ts';
import { dropDatabases, sharedUri, uniqueDatabase } from '../../testing/mongod.ts';
import { timeOfText } from '../../timing/cluster-time.ts';
import { keyHash, type WriteCommand } from '../write-command.ts';
import { observeWrites, type WriteObserver } from './writes.ts';

const database = uniqueDatabase('writes');
let connection: Connection;
let db: Db;
let observer: WriteObserver;

beforeAll(async () => {
  connection = await connect(new Secret(sharedUri()), { monitorCommands: true });
  db = connection.client.db(database);
  observer = observeWrites(database, BSON.serialize);
  observer.watch(connection.client);
});

afterAll(async () => {
  await dropDatabases(connection.client, [database]);
  await connection.client.close();
});

const hashed = (...ids: readonly number[]): string =>
  Buffer.concat(ids.map((id) => keyHash(Buffer.from([0x10, id, 0, 0, 0])))).toString('base64');

/** The commands without times and sessions, which are only looked at for their presence. */
async function told(work: () => Promise<unknown>): Promise<readonly Partial<WriteCommand>[]> {
  observer.take();
  await work();
  return observer.take().commands.map(({ after, until, session, ...rest }) => {
    expect(timeOfText(after ?? '0.0')).toBeLessThanOrEqual(timeOfText(until ?? '0.0'));
    expect(session).toMatch(/^[0-9a-f]{32}$/);
    return rest;
  });
}

test('tells what each command may have changed, without contents', async () => {
  const things = db.collection<{ _id: number; c?: object[] }>('things');
  const commands = await told(async () => {
    await things.insertMany([1, 2, 3].map((_id) => ({ _id, c: [{}] })));
    await things.updateMany({ _id: { $gt: 1 } }, { $set: { 'a.b': 1, 'c.$[].d': 1 }, $rename: { x: 'y' } });
    await things.updateOne({ _id: 1 }, [{ $set: { a: 'secret' } }, { $unset: 'q' }]);
    await things.replaceOne({ _id: 2 }, {});
    await things.updateOne({ _id: 9 }, { $set: { a: 1 } }, { upsert: true });
    await things.findOneAndDelete({ _id: 3 });
    await things.deleteMany({ a: 1 });
    await things.createIndex({ a: 1 });
    await things.aggregate([{ $merge: { into: 'copy' } }]).toArray();
    await things.rename('renamed');
  });
  const update = { collection: 'things', kind: 'update' };
  expect(commands).toEqual([
    { collection: 'things', kind: 'insert', documents: 3, keys: hashed(1, 2, 3) },
    { ...update, documents: 2, fields: ['a.b', 'c', 'x', 'y'] },
    { ...update, documents: 1, fields: ['a', 'q'], keys: hashed(1) },
    { ...update, documents: 1, keys: hashed(2) },
    { ...update, documents: 0, fields: ['a'], keys: hashed(9) },
    { collection: 'things', kind: 'insert', documents: 1, keys: hashed(9) },
    { collection: 'things', kind: 'delete', documents: 1, keys: hashed(3) },
    { collection: 'things', kind: 'delete', documents: 1 },
    { collection: 'things', kind: 'definition' },
    { collection: 'copy', kind: 'any' },
    { collection: 'things', kind: 'definition' },
    { collection: 'renamed', kind: 'definition' },
  ]);
  expect(JSON.stringify(commands)).not.toContain('secret');
});

test('single writes in a loop become one entry', async () => {
  const things = db.collection<{ _id: number; n: number }>('loop');
  await things.insertMany([1, 2, 3].map((_id) => ({ _id, n: 0 })));
  const commands = await told(async () => {
    for (const _id of [1, 2, 3]) await things.updateOne({ _id }, { $inc: { n: 1 } });
  });
  expect(commands).toEqual([{ collection: 'loop', kind: 'update', documents: 3, fields: ['n'], keys: hashed(1, 2, 3) }]);
});

test('a command that is under way is told, and its answer replaces it', async () => {
  await db.collection('slow').insertOne({});
  observer.take();
  const slow = db.collection('slow').updateMany({ $where: 'sleep(500) || true' }, { $set: { a: 1 } });
  let under = observer.take().commands;
  while (under.length === 0) {
    await new Promise(setImmediate);
    under = observer.take().commands;
  }
  await slow;
  const [answered] = observer.take().commands;
  expect(under).toEqual([expect.objectContaining({ collection: 'slow', unanswered: expect.any(Number) })]);
  expect(answered).toMatchObject({ documents: 1, answers: under[0]?.unanswered });
});

test('an upsert under way may insert too, and its answer tells which of both it did', async () => {
  const things = db.collection<{ _id: number; a?: number }>('upserts');
  await things.insertOne({ _id: 1 });
  observer.take();
  // A transaction holds the document, so that the command has no answer yet.
  await using session = connection.client.startSession();
  session.startTransaction();
  await things.updateOne({ _id: 1 }, { $set: { a: 1 } }, { session });
  observer.take();
  const blocked = things.findOneAndUpdate({ _id: 1 }, { $set: { a: 2 } }, { upsert: true });
  let under = observer.take().commands;
  while (under.length === 0) {
    await new Promise(setImmediate);
    under = observer.take().commands;
  }
  await session.abortTransaction();
  await blocked;
  await things.findOneAndUpdate({ _id: 2 }, { $set: { a: 2 } }, { upsert: true });
  const shape = { collection: 'upserts', kind: 'update', fields: ['a'], keys: hashed(1) };
  expect(under).toEqual([
    expect.objectContaining({ ...shape, unanswered: expect.any(Number) }),
    expect.objectContaining({ collection: 'upserts', kind: 'insert', keys: hashed(1), unanswered: under[0]?.unanswered }),
  ]);
  expect(observer.take().commands).toEqual([
    expect.objectContaining({ ...shape, atMost: 1, answers: under[0]?.unanswered }),
    expect.objectContaining({ collection: 'upserts', kind: 'insert', keys: hashed(2), documents: 1 }),
  ]);
});

test('transactions and other databases are told apart', async () => {
  const commands = await told(async () => {
    await connection.client.withSession((session) =>
      session.withTransaction(() => db.collection<{ _id: number }>('loop').deleteOne({ _id: 1 }, { session })),
    );
    await connection.client.db(`${database}_other`).collection('x').insertOne({});
  });
  expect(commands).toEqual([{ collection: 'loop', kind: 'delete', documents: 1, keys: hashed(1), transaction: true }]);
  await dropDatabases(connection.client, [`${database}_other`]);
});
