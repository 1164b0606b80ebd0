import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Db, Document } from 'mongodb';
import { silentLog } from '../../log/log.ts';
import { takeCensus } from '../../mongo/census.ts';
import {
  migrateScene,
  openSceneUndo,
  openScenes,
  possible,
  takeScenePoint,
  undoScene,
  type Scene,
  type Scenes,
} from '../../testing/undo-scene.ts';
import { recordUndoSession } from '../../migration/writes-record.ts';
import type { RollbackPoint } from '../point.ts';
import { everything } from './read-whole.ts';
import type { ConflictChoice } from './contract.ts';

interface Thing extends Document {
  readonly _id: number;
}

let scenes: Scenes;
beforeAll(async () => {
  scenes = await openScenes('undo');
});
afterAll(() => scenes.close());

const documentsOf = (db: Db, name: string): Promise<Document[]> =>
  db
    .collection(name)
    .find({}, { sort: { _id: 1 } })
    .toArray();

async function undoAll(made: Scene, point: RollbackPoint, conflicts: ConflictChoice = 'fail'): Promise<void> {
  expect((await undoScene(made, point, { conflicts })).differences).toEqual([]);
}

const range = (count: number): Thing[] =>
  Array.from({ length: count }, (_, _id) => ({ _id, b: 1, nested: { x: [1, 2, { y: 3 }] }, a: 'z', u: `u${_id}` }));

describe('documents', () => {
  test('puts updated, deleted, inserted and replaced documents back as they were, byte for byte', async () => {
    const made = scenes.make();
    const { db } = made;
    await db.collection<Thing>('things').insertMany(range(50));
    const before = await takeCensus(made.client, db.databaseName, { digests: true });
    const point = await takeScenePoint(made);
    await migrateScene(made, async (to) => {
      const own = to.collection<Thing>('things');
      await own.updateMany({ _id: { $lt: 20 } }, { $unset: { b: '' }, $set: { 'nested.x.2.y': 4, c: true }, $rename: { a: 'z' } });
      await own.deleteMany({ _id: { $gte: 40 } });
      await own.insertMany([{ _id: 100 }, { _id: 101 }]);
      await own.replaceOne({ _id: 30 }, { other: 1 });
      await own.updateOne({ _id: 31 }, { $inc: { b: 5 } });
      await own.updateOne({ _id: 31 }, { $inc: { b: 5 } });
      await own.findOneAndUpdate({ _id: 32 }, [{ $set: { b: 3 } }]);
      await own.updateOne({ _id: 200 }, { $set: { made: true } }, { upsert: true });
    });
    await undoAll(made, point);
    const after = await takeCensus(made.client, db.databaseName, { digests: true, only: ['things'] });
    expect(after.collections).toEqual(before.collections);
    expect(await db.collection('changelog').countDocuments()).toBe(0);
  });

  test('unique values that changed places come back', async () => {
    const made = scenes.make();
    const things = made.db.collection<Thing>('things');
    await things.insertMany(range(10));
    await things.createIndex({ u: 1 }, { unique: true });
    const point = await takeScenePoint(made);
    await migrateScene(made, async (to) => {
      const own = to.collection<Thing>('things');
      for (const [_id, u] of [
        [0, 'aside'],
        [1, 'u0'],
        [2, 'u1'],
        [0, 'u2'],
      ] as const)
        await own.updateOne({ _id }, { $set: { u } });
      await own.deleteOne({ _id: 5 });
      await own.updateOne({ _id: 6 }, { $set: { u: 'u5' } });
    });
    await undoAll(made, point);
    expect(await documentsOf(made.db, 'things')).toEqual(range(10));
  });

  test('what others write meanwhile stays: other documents, other fields, and before the migration', async () => {
    const made = scenes.make();
    const things = made.db.collection<Thing>('things');
    await things.insertMany(range(20));
    const point = await takeScenePoint(made);
    await things.updateOne({ _id: 1 }, { $set: { early: 1 } });
    await migrateScene(made, async (to) => {
      await to.collection<Thing>('things').updateMany({ _id: { $lt: 10 } }, { $set: { b: 2, fresh: true } });
      await things.updateOne({ _id: 2 }, { $set: { a: 'during' } });
      await to.collection<Thing>('things').updateMany({ _id: { $lt: 10 } }, { $unset: { nested: '' } });
    });
    await things.updateOne({ _id: 3 }, { $set: { a: 'later', later: { deep: 1 } } });
    await things.deleteOne({ _id: 4 });
    await things.insertOne({ _id: 500, own: true });
    await things.updateOne({ _id: 15 }, { $set: { a: 'untouched' } });
    await undoAll(made, point);
    const [, one, two, three, five] = await documentsOf(made.db, 'things');
    const base = range(20);
    expect(one).toEqual({ ...base[1], early: 1 });
    expect(two).toEqual({ ...base[2], a: 'during' });
    expect(three).toEqual({ ...base[3], a: 'later', later: { deep: 1 } });
    expect(five).toEqual(base[5]);
    expect(await things.findOne({ _id: 500 })).toEqual({ _id: 500, own: true });
    expect(await things.findOne({ _id: 15 })).toEqual({ ...base[15], a: 'untouched' });
  });
});

test('after a kill, the oplog tells the writes of others from those that nobody recorded', async () => {
  const made = scenes.make();
  const things = made.db.collection<Thing>('things');
  await things.insertMany(range(20));
  const point = await takeScenePoint(made);
  await migrateScene(
    made,
    async (to) => {
      await to.collection<Thing>('things').updateMany({ _id: { $lt: 10 } }, { $set: { b: 2 } });
    },
    { killed: true },
  );
  // Of the same process, after its last report.
  await made.db.collection<Thing>('things').updateMany({ _id: { $gte: 10 } }, { $set: { fresh: true } });
  await things.updateOne({ _id: 3 }, { $set: { a: 'later' } });
  await things.insertOne({ _id: 100 });
  await undoAll(made, point);
  expect(await documentsOf(made.db, 'things')).toEqual([
    ...range(20).map((thing) => (thing._id === 3 ? { ...thing, a: 'later' } : thing)),
    { _id: 100 },
  ]);
});

test('what the migration did in transactions and by bulk writes is known', async () => {
  const made = scenes.make();
  const things = made.db.collection<Thing>('things');
  await things.insertMany(range(20));
  const point = await takeScenePoint(made);
  await migrateScene(made, async (to, client) => {
    const own = to.collection<Thing>('things');
    await client.withSession((session) =>
      session.withTransaction(async () => {
        await own.updateOne({ _id: 1 }, { $set: { b: 5 } }, { session });
        await own.deleteOne({ _id: 2 }, { session });
        await own.insertOne({ _id: 50 }, { session });
      }),
    );
    await own.bulkWrite([
      { updateMany: { filter: { _id: { $gt: 10 } }, update: { $inc: { b: 1 } } } },
      { deleteMany: { filter: { _id: { $gt: 15 } } } },
      { insertOne: { document: { _id: 60 } } },
    ]);
    await to
      .collection('things')
      .aggregate([{ $match: { _id: 3 } }, { $set: { merged: 1 } }, { $merge: 'things' }])
      .toArray();
  });
  await undoAll(made, point);
  expect(await documentsOf(made.db, 'things')).toEqual(range(20));
});

test('a time series that the migration wrote to is left to the next rung', async () => {
  const made = scenes.make();
  await made.db.createCollection('series', { timeseries: { timeField: 't' } });
  const point = await takeScenePoint(made);
  await migrateScene(made, (to) => to.collection('series').insertOne({ t: new Date() }));
  await using opened = await openSceneUndo(made, point);
  expect(opened.undo).toEqual({ possible: false, why: expect.stringContaining('time series series') });
});

test.each([
  ['a capped collection', (to: Db) => to.collection<Thing>('ring').updateOne({ _id: 1 }, { $set: { b: 2 } }), 'the capped collection ring'],
  ['a time series', (to: Db) => to.collection('series').insertOne({ t: new Date() }), 'the time series series'],
  ['a time series that is gone', (to: Db) => to.dropCollection('series'), 'the time series series is gone'],
])('%s to which the migration did something is left to the next rung', async (_what, up, why) => {
  const made = scenes.make();
  await made.db.createCollection('ring', { capped: true, size: 100_000 });
  await made.db.collection<Thing>('ring').insertMany(range(3));
  await made.db.createCollection('series', { timeseries: { timeField: 't' } });
  const point = await takeScenePoint(made);
  await migrateScene(made, up);
  await using opened = await openSceneUndo(made, point);
  expect(opened.undo).toEqual({ possible: false, why: expect.stringContaining(why) });
});

test('others write to capped collections and time series meanwhile', async () => {
  const made = scenes.make();
  await made.db.createCollection('ring', { capped: true, size: 4_096 });
  await made.db.createCollection('series', { timeseries: { timeField: 't' } });
  await made.db.collection<Thing>('things').insertMany(range(5));
  const point = await takeScenePoint(made);
  await migrateScene(made, (to) => to.collection('things').updateMany({}, { $set: { b: 2 } }));
  for (let turn = 0; turn < 20; turn++) await made.db.collection('ring').insertOne({ text: 'x'.repeat(1_000) });
  await made.db.collection('series').insertMany([{ t: new Date(0) }, { t: new Date(1) }]);
  const warnings: string[] = [];
  const log = { ...silentLog, warning: (line: string) => void warnings.push(line) };
  expect((await undoScene(made, point, { log })).differences).toEqual([]);
  expect(warnings).toEqual([expect.stringContaining('wrote to series')]);
  expect(await made.db.collection('ring').countDocuments()).toBeLessThan(10);
  expect(await made.db.collection('series').countDocuments()).toBe(2);
  expect(await documentsOf(made.db, 'things')).toEqual(range(5));
});

test('a value of a unique index that others took cannot be put back, and it is said of what', async () => {
  const made = scenes.make();
  const things = made.db.collection<Thing>('things');
  await things.insertMany(range(5));
  await things.createIndex({ u: 1 }, { unique: true });
  const point = await takeScenePoint(made);
  await migrateScene(made, (to) => to.collection<Thing>('things').updateOne({ _id: 1 }, { $set: { u: 'free' } }));
  await things.insertOne({ _id: 100, u: 'u1' });
  await using opened = await openSceneUndo(made, point);
  const attempt = possible(opened.undo).carryOut();
  await expect(attempt).rejects.toMatchObject({ code: 'rollback/undo-incomplete', message: expect.stringContaining('of things') });
  expect(await things.findOne({ _id: 100 })).toMatchObject({ u: 'u1' });
});

describe('the proof', () => {
  const nothing = { documents: 0, bytes: 0 };

  test.each([
    ['reads what was written since', nothing, 12],
    ['reads every document', everything, 50],
  ])('%s', async (_what, readWhole, read) => {
    const made = scenes.make();
    const things = made.db.collection<Thing>('things');
    await things.insertMany(range(50));
    const point = await takeScenePoint(made);
    await migrateScene(made, (to) => to.collection<Thing>('things').updateMany({ _id: { $lt: 10 } }, { $set: { b: 2 } }));
    await things.updateMany({ _id: { $in: [9, 20, 21] } }, { $set: { a: 'later' } });
    const proof = await undoScene(made, point, { readWhole });
    expect(proof).toMatchObject({ differences: [], notCompared: 0 });
    expect(proof.collections).toContainEqual({ collection: 'things', documents: 50, read });
  });

  test.each([
    ['by what was written since', nothing],
    ['by every document', everything],
  ])('finds, %s, what an undo has put back wrong', async (_what, readWhole) => {
    const made = scenes.make();
    await made.db.collection<Thing>('things').insertMany(range(50));
    const point = await takeScenePoint(made);
    await migrateScene(made, (to) => to.collection<Thing>('things').updateMany({ _id: { $lt: 10 } }, { $set: { b: 2 } }));
    await using session = made.client.startSession();
    await recordUndoSession(made.db, { run: 'test', session: Buffer.from(session.id?.id.buffer ?? []).toString('hex') });
    await using opened = await openSceneUndo(made, point, { readWhole });
    const undo = possible(opened.undo);
    await undo.carryOut();
    // What is written in a session of an undo is nobody else's.
    const things = made.db.collection<Thing>('things');
    await session.withTransaction(() => things.updateOne({ _id: 3 }, { $set: { b: 3 } }, { session }));
    expect((await undo.prove()).differences).toEqual([expect.objectContaining({ collection: 'things', what: 'digest' })]);
    await session.withTransaction(() => things.deleteOne({ _id: 4 }, { session }));
    expect((await undo.prove()).differences).toEqual([{ collection: 'things', what: 'documents', before: '50', after: '49' }]);
  });

  test('reads every document where the number of them is not what the change stream tells', async () => {
    const made = scenes.make();
    const things = made.db.collection<Thing>('things');
    await things.insertMany(range(50));
    const point = await takeScenePoint(made);
    const census = {
      ...point.census,
      collections: point.census.collections.map((collection) => ({
        ...collection,
        ...(collection.digest === undefined ? {} : { digest: { ...collection.digest, documents: 49 } }),
      })),
    };
    await migrateScene(made, (to) => to.collection<Thing>('things').updateMany({ _id: { $lt: 10 } }, { $set: { b: 2 } }));
    const proof = await undoScene(made, { ...point, census }, { readWhole: nothing });
    expect(proof.differences).toEqual([{ collection: 'things', what: 'documents', before: '49', after: '50' }]);
    expect(proof.collections).toContainEqual({ collection: 'things', documents: 50, read: 50 });
  });
});

describe('conflicts', () => {
  async function inConflict(): Promise<{ readonly made: Scene; readonly point: RollbackPoint }> {
    const made = scenes.make();
    const things = made.db.collection<Thing>('things');
    await things.insertMany(range(5));
    const point = await takeScenePoint(made);
    await migrateScene(made, (to) => to.collection<Thing>('things').updateMany({}, { $set: { b: 2 } }));
    await things.updateOne({ _id: 1 }, { $set: { b: 3, a: 'other' } });
    return { made, point };
  }

  test('fail: changes no document and names the collection', async () => {
    const { made, point } = await inConflict();
    await using opened = await openSceneUndo(made, point);
    const undo = possible(opened.undo);
    expect(undo.conflicts).toEqual([
      {
        collection: 'things',
        documents: 1,
        why: 'the migration and somebody else changed the same field',
        ids: [expect.stringMatching(/^[0-9a-f]{16}$/)],
      },
    ]);
    await expect(undo.carryOut()).rejects.toMatchObject({ code: 'rollback/conflicts' });
    expect(await made.db.collection('things').countDocuments({ b: 2 })).toBe(4);
  });

  test.each([
    ['keep', 3],
    ['revert', 1],
  ] as const)('%s', async (choice, b) => {
    const { made, point } = await inConflict();
    await undoAll(made, point, choice);
    const [first, second] = await documentsOf(made.db, 'things');
    expect(first).toEqual(range(1)[0]);
    expect(second).toEqual({ ...range(2)[1], b, a: 'other' });
  });
});

describe('definitions', () => {
  test('indexes, options, validators, views, names and collections come back', async () => {
    const made = scenes.make();
    const { db } = made;
    await db.collection<Thing>('things').insertMany(range(10));
    await db.collection('things').createIndexes([
      { key: { a: 1 }, name: 'dropped', sparse: true, collation: { locale: 'de', strength: 2 } },
      { key: { b: 1 }, name: 'hidden' },
      { key: { t: 1 }, name: 'ttl', expireAfterSeconds: 100_000 },
      { key: { u: 1 }, name: 'changed', unique: true },
    ]);
    await db.createCollection('checked', { validator: { a: { $exists: true } }, validationLevel: 'moderate' });
    await db.createCollection('seen', { viewOn: 'things', pipeline: [{ $match: { b: 1 } }] });
    await db.createCollection('lost', { viewOn: 'things', pipeline: [] });
    await db.collection<Thing>('left').insertMany(range(3));
    await db.collection<Thing>('right').insertMany(range(4));
    const before = await takeCensus(made.client, db.databaseName, { digests: true });
    const point = await takeScenePoint(made);
    await migrateScene(made, async (to) => {
      const own = to.collection<Thing>('things');
      await own.dropIndex('dropped');
      await own.dropIndex('changed');
      await own.createIndex({ u: 1, a: 1 }, { name: 'changed' });
      await to.command({ collMod: 'things', index: { name: 'hidden', hidden: true } });
      await to.command({ collMod: 'things', index: { name: 'ttl', expireAfterSeconds: 5_000 } });
      await own.createIndex({ fresh: 1 }, { unique: true, sparse: true });
      await to.command({ collMod: 'checked', validator: { b: { $exists: true } }, validationLevel: 'strict' });
      await to.command({ collMod: 'things', validator: { a: { $type: 'string' } }, validationAction: 'warn' });
      await to.command({ collMod: 'seen', viewOn: 'things', pipeline: [] });
      await to.collection('lost').drop();
      await to.createCollection('extra', { viewOn: 'things', pipeline: [] });
      await to.collection('left').rename('aside');
      await to.collection('right').rename('left');
      await to.collection('aside').rename('right');
      await to.collection<Thing>('right').updateMany({}, { $set: { b: 'moved' } });
      await to.collection('brand_new').insertOne({ a: 1 });
      await own.updateMany({}, { $set: { u: 'same' } });
    });
    await undoAll(made, point);
    const after = await takeCensus(made.client, db.databaseName, { digests: true });
    const plain = (census: typeof after): unknown =>
      census.collections
        .filter(({ name }) => name !== 'changelog')
        .map(({ options, ...rest }) => ({
          ...rest,
          options: options.replace('"validationLevel":"strict","validationAction":"error"', ''),
        }));
    const others = (census: typeof after): unknown => (plain(census) as { name: string }[]).filter(({ name }) => name !== 'checked');
    expect(others(after)).toEqual(others(before));
    expect(after.collections.find(({ name }) => name === 'checked')?.options).toContain('moderate');
  });
});
