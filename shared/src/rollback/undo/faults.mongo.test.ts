import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { Timestamp, type Db, type Document } from 'mongodb';
import { createBackup } from '../../backup/create.ts';
import { directoryStore } from '../../backup/stores/directory.ts';
import { silentLog } from '../../log/log.ts';
import { takeCensus, type Census } from '../../mongo/census.ts';
import { openChanges, timeOf } from '../../mongo/change-stream.ts';
import { connect } from '../../mongo/connect.ts';
import { Secret } from '../../redaction/secret.ts';
import { startMongod } from '../../testing/mongod.ts';
import {
  migrateScene,
  openSceneUndo,
  openScenes,
  possible,
  sceneOn,
  takeScenePoint,
  undoScene,
  type Scene,
  type Scenes,
} from '../../testing/undo-scene.ts';
import { timeOfText } from '../../timing/cluster-time.ts';
import type { UndoOptions } from './contract.ts';

interface Thing extends Document {
  readonly _id: number;
}

let scenes: Scenes;
beforeAll(async () => {
  scenes = await openScenes('undo_fault');
});
afterAll(() => scenes.close());

const things = (count: number): Thing[] => Array.from({ length: count }, (_, _id) => ({ _id, a: _id, text: 'x'.repeat(200) }));

async function dataOf({ client, db }: Scene): Promise<unknown> {
  const { collections }: Census = await takeCensus(client, db.databaseName, { digests: true });
  return collections
    .filter(({ name }) => name !== 'changelog')
    .map(({ name, digest, indexes, options }) => ({ name, digest, indexes, options: options.includes('PreImages') ? '{}' : options }));
}

async function backedUp({ db }: Scene, connection = scenes.connection): Promise<NonNullable<UndoOptions['backup']>> {
  const store = directoryStore(path.join(scenes.folder, `${db.databaseName}-backup`));
  const selection = { databases: [db.databaseName], include: [], exclude: [] };
  const backup = await createBackup({ connection, store, selection, log: silentLog });
  return { store, id: backup.id };
}

/** Starts the undo in a process of its own and kills it after so many milliseconds of work. Tells whether it was in time. */
async function killUndo({ uri, db }: Scene, afterMilliseconds: number): Promise<boolean> {
  const program = path.resolve(import.meta.dirname, '../../testing/undo-process.ts');
  const child = spawn(process.execPath, ['--conditions=source', program, uri, db.databaseName, scenes.folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let done = false;
  child.stdout.on('data', (data: Buffer) => {
    const text = data.toString('utf8');
    if (text.includes('begin')) setTimeout(() => child.kill('SIGKILL'), afterMilliseconds);
    if (text.includes('done')) done = true;
  });
  await once(child, 'exit');
  return !done;
}

describe('an undo that is cut off', () => {
  test('is done to the end by the next run, wherever it was killed', async () => {
    const made = scenes.make();
    const { db } = made;
    await db.collection<Thing>('things').insertMany(things(20_000));
    await db.collection('things').createIndex({ a: 1 }, { name: 'dropped' });
    const before = await dataOf(made);
    const point = await takeScenePoint(made);
    await migrateScene(made, async (to) => {
      await to.collection('things').dropIndex('dropped');
      await to.collection('things').updateMany({}, { $set: { a: 1 }, $unset: { text: '' } });
      await to.collection<Thing>('things').deleteMany({ _id: { $gte: 19_000 } });
      await to.collection('things').createIndex({ fresh: 1 });
      await to.collection('made').insertOne({ a: 1 });
    });
    let killed = 0;
    for (const milliseconds of [50, 200, 400, 800]) {
      const inTime = await killUndo(made, milliseconds);
      // The lock of a process that has ended expires by itself.
      await db.collection('migration_lock').updateOne({}, { $set: { expiresAt: new Date(0) } });
      if (!inTime) break;
      killed += 1;
    }
    expect(killed).toBeGreaterThan(0);
    await using opened = await openSceneUndo(made, point);
    const undo = possible(opened.undo);
    await undo.carryOut();
    expect(await undo.prove()).toMatchObject({ differences: [], notCompared: 0 });
    expect(await dataOf(made)).toEqual(before);
  });

  test('goes on when the primary steps down', async () => {
    await using server = await startMongod({ kind: 'replica-set', members: 3 });
    await using other = await connect(new Secret(server.uri));
    const made = sceneOn({ connection: other, uri: server.uri }, { name: 'undone', folder: scenes.folder });
    await made.db.collection<Thing>('things').insertMany(things(15_000));
    const before = await dataOf(made);
    const point = await takeScenePoint(made);
    await migrateScene(made, (to) => to.collection('things').updateMany({}, { $set: { a: 1 } }));
    let writes = 0;
    const confirmed = { stepDown: undefined as Promise<unknown> | undefined };
    await using opened = await openSceneUndo(made, point);
    const undo = possible(opened.undo);
    // The lock is confirmed before each transaction: after some of them the primary goes.
    const confirm = opened.lock.confirm.bind(opened.lock);
    Object.assign(opened.lock, {
      confirm: async () => {
        writes += 1;
        if (writes === 8)
          confirmed.stepDown = made.client
            .db('admin')
            .command({ replSetStepDown: 5, force: true })
            .catch(() => undefined);
        await confirm();
      },
    });
    await undo.carryOut();
    await confirmed.stepDown;
    expect(writes).toBeGreaterThan(8);
    expect(await undo.prove()).toMatchObject({ differences: [], notCompared: 0 });
    expect(await dataOf(made)).toEqual(before);
  }, 60_000);
});

describe('without earlier states', () => {
  test('documents come from the backup by their _id, with what others wrote before', async () => {
    const made = scenes.make();
    const { db } = made;
    await db.collection<Thing>('things').insertMany(things(500));
    const backup = await backedUp(made);
    const point = await takeScenePoint(made, { preImages: false });
    await db.collection<Thing>('things').updateOne({ _id: 7 }, { $set: { early: true } });
    await migrateScene(made, async (to) => {
      await to.collection('things').updateMany({}, { $set: { a: -1 } });
      await to.collection<Thing>('things').deleteMany({ _id: { $gte: 450 } });
    });
    await db.collection<Thing>('things').updateOne({ _id: 8 }, { $set: { late: true } });
    await using opened = await openSceneUndo(made, point, { backup });
    const undo = possible(opened.undo);
    await undo.carryOut();
    expect(await undo.prove()).toMatchObject({ differences: [], notCompared: 0 });
    const found = await db
      .collection<Thing>('things')
      .find({}, { sort: { _id: 1 } })
      .toArray();
    expect(found).toEqual(
      things(500).map((thing) => ({ ...thing, ...(thing._id === 7 ? { early: true } : {}), ...(thing._id === 8 ? { late: true } : {}) })),
    );
  });

  test('and without a backup it is not possible, and why', async () => {
    const made = scenes.make();
    await made.db.collection<Thing>('things').insertMany(things(5));
    const point = await takeScenePoint(made, { preImages: false });
    await migrateScene(made, (to) => to.collection('things').updateMany({}, { $set: { a: -1 } }));
    await using opened = await openSceneUndo(made, point);
    expect(opened.undo).toEqual({ possible: false, why: expect.stringContaining('kept no earlier state of 5 documents') });
  });

  test('dropped and replaced collections come from the backup', async () => {
    const made = scenes.make();
    const { db } = made;
    for (const name of ['dropped', 'replaced', 'stays']) await db.collection<Thing>(name).insertMany(things(300));
    await db.collection('dropped').createIndex({ a: 1 }, { name: 'index' });
    const before = await dataOf(made);
    const backup = await backedUp(made);
    const point = await takeScenePoint(made);
    await migrateScene(made, async (to) => {
      await to.collection('dropped').drop();
      await to
        .collection('stays')
        .aggregate([{ $match: { a: 1 } }, { $out: 'replaced' }])
        .toArray();
      await to.collection('stays').updateMany({}, { $unset: { text: '' } });
    });
    await db.collection<Thing>('stays').insertOne({ _id: 1_000 });
    {
      await using without = await openSceneUndo(made, point);
      expect(without.undo).toEqual({ possible: false, why: 'the migration dropped dropped, and there is no backup' });
    }
    await using opened = await openSceneUndo(made, point, { backup });
    const undo = possible(opened.undo);
    await undo.carryOut();
    expect(await undo.prove()).toMatchObject({ differences: [], notCompared: 0 });
    expect(await db.collection<Thing>('stays').findOne({ _id: 1_000 })).not.toBeNull();
    await db.collection<Thing>('stays').deleteOne({ _id: 1_000 });
    expect(await dataOf(made)).toEqual(before);
  });
});

describe('where the server tells less', () => {
  test('a standalone server is told as such', async () => {
    await using server = await startMongod({ kind: 'standalone' });
    await using other = await connect(new Secret(server.uri));
    const made = sceneOn({ connection: other, uri: server.uri }, { name: 'undone', folder: scenes.folder });
    await made.db.collection<Thing>('things').insertMany(things(5));
    const point = await takeScenePoint(made);
    await using opened = await openSceneUndo(made, point);
    expect(opened.undo).toEqual({ possible: false, why: 'a standalone server does not tell what was written' });
  });

  test('an oplog that is too short is told, and leads to the next rung', async () => {
    await using server = await startMongod({ kind: 'replica-set', members: 1 }, { args: ['--oplogSize', '1', '--syncdelay', '1'] });
    await using other = await connect(new Secret(server.uri));
    const made = sceneOn({ connection: other, uri: server.uri }, { name: 'undone', folder: scenes.folder });
    await made.db.collection<Thing>('things').insertMany(things(5));
    const point = await takeScenePoint(made);
    const since = timeOfText(point.clusterTime ?? '');
    await migrateScene(made, (to) => to.collection('things').updateMany({}, { $set: { a: -1 } }));
    const oplog = other.client.db('local').collection<{ ts: Timestamp }>('oplog.rs');
    for (let oldest = 0n; oldest <= since;) {
      await made.db.collection('filler').insertMany(Array.from({ length: 20 }, () => ({ text: 'x'.repeat(100_000) })));
      oldest = timeOf((await oplog.findOne({}, { sort: { $natural: 1 } }))?.ts ?? new Timestamp(0n));
    }
    const changes = openChanges({ client: other.client, database: made.db.databaseName, after: since, preImages: true, definitions: true });
    await expect(changes.readUntil(since + 1n, () => undefined)).rejects.toMatchObject({ code: 'server/history-lost' });
    await changes.close();
    await using opened = await openSceneUndo(made, point);
    expect(opened.undo).toEqual({ possible: false, why: expect.stringContaining('the oplog no longer reaches back that far') });
  }, 60_000);

  test('a user who may not switch pre-images on, nor read the oplog, undoes by the backup', async () => {
    await using guarded = await startMongod({ kind: 'replica-set', members: 1 }, { rootPassword: 'root' });
    const uriOf = (user: string): string =>
      guarded.uri.replace('mongodb://', `mongodb://${user}:root@`).replace(/\/([^/]*)\?/, '/$1?authSource=admin&');
    await using root = await connect(new Secret(uriOf('root')));
    const asRoot = sceneOn({ connection: root, uri: uriOf('root') }, { name: 'undone', folder: scenes.folder });
    await root.client.db('admin').command({ createUser: 'app', pwd: 'root', roles: [{ role: 'readWrite', db: 'undone' }] });
    await asRoot.db.collection<Thing>('things').insertMany(things(100));
    const backup = await backedUp(asRoot, root);
    await using app = await connect(new Secret(uriOf('app')));
    const made = sceneOn({ connection: app, uri: uriOf('app') }, { name: 'undone', folder: scenes.folder });
    const point = await takeScenePoint(made);
    await migrateScene(made, (to) => to.collection('things').updateMany({}, { $set: { a: -1 } }));
    await made.db.collection<Thing>('things').updateOne({ _id: 8 }, { $set: { late: true } });
    expect(await undoScene(made, point, { backup })).toMatchObject({ differences: [], notCompared: 0 });
    expect(
      await made.db
        .collection('things')
        .find({}, { sort: { _id: 1 } })
        .toArray(),
    ).toEqual(things(100).map((thing) => ({ ...thing, ...(thing._id === 8 ? { late: true } : {}) })));
  }, 60_000);
});

/** It tells no UUIDs, no earlier states and no changes of definitions: the same is asked of this server as of such a one. */
describe('a server before 6.0', () => {
  const serverVersion = '5.0.31';

  test('is undone by the touched keys and the backup', async () => {
    const made = scenes.make();
    const { db } = made;
    for (const name of ['things', 'others']) await db.collection<Thing>(name).insertMany(things(200));
    const before = await dataOf(made);
    const backup = await backedUp(made);
    const point = await takeScenePoint(made, { preImages: false });
    await migrateScene(made, async (to) => {
      await to.collection('things').updateMany({}, { $set: { a: -1 } });
      await to.collection<Thing>('others').deleteMany({ _id: { $lt: 50 } });
      await to.collection<Thing>('things').insertOne({ _id: 1_000 });
    });
    expect(await undoScene(made, point, { backup, serverVersion })).toMatchObject({ differences: [], notCompared: 0 });
    expect(await dataOf(made)).toEqual(before);
  });

  test.each([
    ['makes a collection', (to: Db) => to.collection('made').insertOne({ a: 1 }), 'made'],
    ['makes an index', (to: Db) => to.collection('things').createIndex({ a: 1 }), 'things'],
    ['gives a collection another name', (to: Db) => to.collection('things').rename('moved'), 'things'],
    ['drops a collection', (to: Db) => to.dropCollection('things'), 'things'],
  ])('is left to the next rung when the migration %s', async (_what, up, name) => {
    const made = scenes.make();
    await made.db.collection<Thing>('things').insertMany(things(5));
    const backup = await backedUp(made);
    const point = await takeScenePoint(made, { preImages: false });
    await migrateScene(made, up);
    await using opened = await openSceneUndo(made, point, { backup, serverVersion });
    expect(opened.undo).toEqual({ possible: false, why: expect.stringMatching(`^${name} was made or changed as a whole.*before 6.0`) });
  });
});

test('what a killed migration left running is ended before it is decided whose its writes are', async () => {
  const made = scenes.make();
  const { db } = made;
  await db.collection<Thing>('things').insertMany(things(200));
  const before = await dataOf(made);
  const point = await takeScenePoint(made);
  const slowly = { $function: { body: 'function (a) { sleep(50); return -a; }', args: ['$a'], lang: 'js' } };
  await migrateScene(
    made,
    async (to) => {
      to.collection('things')
        .updateMany({}, [{ $set: { a: slowly } }])
        .catch(() => undefined);
      while ((await db.collection('things').countDocuments({ a: { $lt: 0 } })) === 0);
    },
    { killed: true },
  );
  await using opened = await openSceneUndo(made, point);
  const undo = possible(opened.undo);
  await undo.carryOut();
  expect(await undo.prove()).toMatchObject({ differences: [], notCompared: 0 });
  expect(await dataOf(made)).toEqual(before);
  const left = await made.client
    .db('admin')
    .aggregate([{ $currentOp: {} }, { $match: { appName: 'migration-guard/test/1' } }])
    .toArray();
  expect(left.filter(({ active }) => active === true)).toEqual([]);
});
