import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Document } from 'mongodb';
import { connect } from '../../mongo/connect.ts';
import { Secret } from '../../redaction/secret.ts';
import { migrateScene, openSceneUndo, openScenes, possible, takeScenePoint, type Scenes } from '../../testing/undo-scene.ts';

interface Account extends Document {
  readonly _id: number;
  readonly visits: number;
}

const writers = 1_000;
const accounts = 1_500;
let scenes: Scenes;
beforeAll(async () => {
  scenes = await openScenes('undo_writers');
});
afterAll(() => scenes.close());

test('no write of a thousand writers is lost, during migrate and rollback', async () => {
  const scene = scenes.make();
  const { db } = scene;
  const original = Array.from({ length: accounts }, (_, _id): Account => ({ _id, name: `n${_id}`, price: _id, visits: 0 }));
  await db.collection<Account>('accounts').insertMany(original);
  const point = await takeScenePoint(scene);
  await using application = await connect(new Secret(scene.uri), { maxPoolSize: 50 });
  const theirs = application.client.db(db.databaseName);
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
  expect(await undo.prove()).toMatchObject({ differences: [], notCompared: 0 });
  const found = await db
    .collection<Account>('accounts')
    .find({}, { sort: { _id: 1 } })
    .toArray();
  expect(found).toEqual(original.map((account) => ({ ...account, visits: visits.get(account._id) ?? 0 })));
  expect(await db.collection('log').countDocuments()).toBe(logged);
  expect(undo.laterWrites.map(({ collection }) => collection).sort()).toEqual(['accounts', 'log']);
}, 60_000);
