import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Document } from 'mongodb';
import { createBackup } from '../../backup/create.ts';
import { directoryStore } from '../../backup/stores/directory.ts';
import { silentLog } from '../../log/log.ts';
import { takeCensus, type Census } from '../../mongo/census.ts';
import { connect, type Connection } from '../../mongo/connect.ts';
import { Secret } from '../../redaction/secret.ts';
import { connectShared, dropDatabases, sharedUri, startMongod, uniqueDatabase } from '../../testing/mongod.ts';
import { temporaryFolder, type TemporaryFolder } from '../../testing/temporary-folder.ts';
import { migrateScene, openSceneUndo, possible, takeScenePoint, type Scene } from '../../testing/undo-scene.ts';

interface Thing extends Document {
  readonly _id: number;
}

let connection: Connection;
let folder: TemporaryFolder;
const databases: string[] = [];

beforeAll(async () => {
  connection = await connectShared();
  folder = await temporaryFolder();
});

afterAll(async () => {
  await dropDatabases(connection.client, databases);
  await connection.client.close();
  await folder[Symbol.asyncDispose]();
});

function scene(to: { readonly connection: Connection; readonly uri: string } = { connection, uri: sharedUri() }): Scene {
  const name = uniqueDatabase('undo_fault');
  if (to.connection === connection) databases.push(name);
  return { client: to.connection.client, uri: to.uri, db: to.connection.client.db(name), folder: folder.path };
}

const things = (count: number): Thing[] => Array.from({ length: count }, (_, _id) => ({ _id, a: _id, text: 'x'.repeat(200) }));

async function dataOf({ client, db }: Scene): Promise<unknown> {
  const { collections }: Census = await takeCensus(client, db.databaseName, { digests: true });
  return collections
    .filter(({ name }) => name !== 'changelog')
    .map(({ name, digest, indexes, options }) => ({ name, digest, indexes, options: options.includes('PreImages') ? '{}' : options }));
}

/** Starts the undo in a process of its own and kills it after so many milliseconds of work. Tells whether it was in time. */
async function killUndo({ uri, db }: Scene, afterMilliseconds: number): Promise<boolean> {
  const program = path.resolve(import.meta.dirname, '../../testing/undo-process.ts');
  const child = spawn(process.execPath, ['--conditions=source', program, uri, db.databaseName, folder.path], {
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
    const made = scene();
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
    for (const milliseconds of [50, 400, 800, 1_300]) {
      if (!(await killUndo(made, milliseconds))) break;
      killed += 1;
      // The lock of a killed run expires by itself.
      await db.collection('migration_lock').updateOne({}, { $set: { expiresAt: new Date(0) } });
    }
    expect(killed).toBeGreaterThan(0);
    await using opened = await openSceneUndo(made, point);
    const undo = possible(opened.undo);
    await undo.carryOut();
    expect(await undo.prove()).toEqual({ differences: [], notCompared: 0 });
    expect(await dataOf(made)).toEqual(before);
  });

  test('goes on when the primary steps down', async () => {
    await using server = await startMongod({ kind: 'replica-set', members: 3 });
    await using other = await connect(new Secret(server.uri));
    const made = scene({ connection: other, uri: server.uri });
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
    expect(await undo.prove()).toEqual({ differences: [], notCompared: 0 });
    expect(await dataOf(made)).toEqual(before);
  }, 60_000);
});

describe('without earlier states', () => {
  async function backedUp(made: Scene): Promise<{ readonly store: ReturnType<typeof directoryStore>; readonly id: string }> {
    const store = directoryStore(path.join(folder.path, made.db.databaseName));
    const selection = { databases: [made.db.databaseName], include: [], exclude: [] };
    const backup = await createBackup({ connection, store, selection, log: silentLog });
    return { store, id: backup.id };
  }

  test('documents come from the backup by their _id, with what others wrote before', async () => {
    const made = scene();
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
    expect(await undo.prove()).toEqual({ differences: [], notCompared: 0 });
    const found = await db
      .collection<Thing>('things')
      .find({}, { sort: { _id: 1 } })
      .toArray();
    expect(found).toEqual(
      things(500).map((thing) => ({ ...thing, ...(thing._id === 7 ? { early: true } : {}), ...(thing._id === 8 ? { late: true } : {}) })),
    );
  });

  test('and without a backup it is not possible, and why', async () => {
    const made = scene();
    await made.db.collection<Thing>('things').insertMany(things(5));
    const point = await takeScenePoint(made, { preImages: false });
    await migrateScene(made, (to) => to.collection('things').updateMany({}, { $set: { a: -1 } }));
    await using opened = await openSceneUndo(made, point);
    expect(opened.undo).toEqual({ possible: false, why: expect.stringContaining('kept no earlier state of 5 documents') });
  });

  test('dropped and replaced collections come from the backup', async () => {
    const made = scene();
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
    expect(await undo.prove()).toEqual({ differences: [], notCompared: 0 });
    expect(await db.collection<Thing>('stays').findOne({ _id: 1_000 })).not.toBeNull();
    await db.collection<Thing>('stays').deleteOne({ _id: 1_000 });
    expect(await dataOf(made)).toEqual(before);
  });
});

test('a standalone server is told as such', async () => {
  await using server = await startMongod({ kind: 'standalone' });
  await using other = await connect(new Secret(server.uri));
  const made = scene({ connection: other, uri: server.uri });
  await made.db.collection<Thing>('things').insertMany(things(5));
  const point = await takeScenePoint(made);
  await using opened = await openSceneUndo(made, point);
  expect(opened.undo).toEqual({ possible: false, why: 'a standalone server does not tell what was written' });
});
