import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Document } from 'mongodb';
import { connect, type Connection } from '../../mongo/connect.ts';
import { Secret } from '../../redaction/secret.ts';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '../../testing/mongod.ts';
import { temporaryFolder, type TemporaryFolder } from '../../testing/temporary-folder.ts';
import { migrateScene, openSceneUndo, possible, takeScenePoint, type Scene } from '../../testing/undo-scene.ts';

interface Account extends Document {
  readonly _id: number;
  readonly visits: number;
}

const writers = 1_000;
const accounts = 1_500;
const database = uniqueDatabase('undo_writers');
let connection: Connection;
let folder: TemporaryFolder;

beforeAll(async () => {
  connection = await connectShared();
  folder = await temporaryFolder();
});

afterAll(async () => {
  await dropDatabases(connection.client, [database]);
  await connection.client.close();
  await folder[Symbol.asyncDispose]();
});

test('no write of a thousand writers is lost, during migrate and rollback', async () => {
  const db = connection.client.db(database);
  const scene: Scene = { client: connection.client, uri: sharedUri(), db, folder: folder.path };
  const original = Array.from({ length: accounts }, (_, _id): Account => ({ _id, name: `n${_id}`, price: _id, visits: 0 }));
  await db.collection<Account>('accounts').insertMany(original);
  const point = await takeScenePoint(scene);
  await using application = await connect(new Secret(sharedUri()), { maxPoolSize: 50 });
  const theirs = application.client.db(database);
  const visits = new Map<number, number>();
  const state = { ended: false };
  let logged = 0;
  const write = async (id: number): Promise<void> => {
    for (let turn = 0; !state.ended; turn++) {
      const _id = (id * 7 + turn * 31) % accounts;
      const { matchedCount } = await theirs.collection<Account>('accounts').updateOne({ _id }, { $inc: { visits: 1 } });
      if (matchedCount === 1) visits.set(_id, (visits.get(_id) ?? 0) + 1);
      await theirs.collection('log').insertOne({ id, turn });
      logged += 1;
    }
  };
  const running = Array.from({ length: writers }, (_, id) => write(id));
  await migrateScene(scene, async (to) => {
    await to.collection('accounts').updateMany({}, { $mul: { price: 3 }, $set: { checked: true } });
    await to.collection('accounts').updateMany({ price: { $lt: 900 } }, { $rename: { name: 'title' } });
    await to.collection('accounts').createIndex({ price: 1 });
  });
  await using opened = await openSceneUndo(scene, point);
  const undo = possible(opened.undo);
  expect(undo.conflicts).toEqual([]);
  await undo.carryOut();
  state.ended = true;
  await Promise.all(running);
  expect(await undo.prove()).toEqual({ differences: [], notCompared: 0 });
  const found = await db
    .collection<Account>('accounts')
    .find({}, { sort: { _id: 1 } })
    .toArray();
  expect(found).toEqual(original.map((account) => ({ ...account, visits: visits.get(account._id) ?? 0 })));
  expect(await db.collection('log').countDocuments()).toBe(logged);
  expect(undo.laterWrites.map(({ collection }) => collection).sort()).toEqual(['accounts', 'log']);
}, 60_000);
