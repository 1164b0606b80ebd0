import { BSON, type Db, type MongoClient } from 'mongodb';
import { silentLog } from '../log/log.ts';
import { acquireLock, type Lock } from '../migration/lock.ts';
import { beginWritesRecord } from '../migration/writes-record.ts';
import { observeWrites } from '../migration/worker/writes.ts';
import { connect, type Connection } from '../mongo/connect.ts';
import { Secret } from '../redaction/secret.ts';
import { createPoint, type RollbackPoint } from '../rollback/point.ts';
import { switchOnPreImages } from '../rollback/undo/pre-images.ts';
import type { UndoProof } from '../rollback/undo/prove-undo.ts';
import type { PossibleUndo, Undo, UndoOptions } from '../rollback/undo/contract.ts';
import { openUndo } from '../rollback/undo/undo.ts';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from './mongod.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface Scene {
  readonly client: MongoClient;
  readonly uri: string;
  readonly db: Db;
  readonly folder: string;
}

/** Scenes of one test file, each with a database of its own on the shared server. To be closed in `afterAll`. */
export interface Scenes {
  readonly connection: Connection;
  readonly folder: string;
  make(): Scene;
  close(): Promise<void>;
}

export async function openScenes(purpose: string): Promise<Scenes> {
  const connection = await connectShared();
  const folder = await temporaryFolder();
  const databases: string[] = [];
  return {
    connection,
    folder: folder.path,
    make: () => {
      const name = uniqueDatabase(purpose);
      databases.push(name);
      return sceneOn({ connection, uri: sharedUri() }, { name, folder: folder.path });
    },
    close: async () => {
      await dropDatabases(connection.client, databases);
      await connection.client.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** A scene on another server. */
export function sceneOn(
  { connection: { client }, uri }: { readonly connection: Pick<Connection, 'client'>; readonly uri: string },
  { name, folder }: { readonly name: string; readonly folder: string },
): Scene {
  return { client, uri, db: client.db(name), folder };
}

/** What a run of action-migrate does around a migration: pre-images, rollback point. */
export async function takeScenePoint(
  { client, db, folder }: Scene,
  options: { readonly preImages?: boolean; readonly backup?: RollbackPoint['backup'] } = {},
): Promise<RollbackPoint> {
  const switched = options.preImages === false ? { collections: [] } : await switchOnPreImages({ db, log: silentLog });
  const { point } = await createPoint({
    client,
    database: db.databaseName,
    ...(options.backup === undefined ? {} : { backup: options.backup }),
    changelog: 'changelog',
    history: [],
    planned: [],
    switchedOn: switched.collections,
    now: () => new Date(),
    runFolder: folder,
  });
  return point;
}

/** Runs a migration with a client of its own, whose commands are recorded as the worker does it. */
export async function migrateScene(
  { uri, db }: Scene,
  up: (db: Db, client: MongoClient) => Promise<unknown>,
  how: { readonly killed?: boolean } = {},
): Promise<void> {
  await using connection = await connect(new Secret(uri), { monitorCommands: true, appName: 'migration-guard/test/1' });
  const recorder = await beginWritesRecord(db, 'test');
  const observer = observeWrites(db.databaseName, BSON.serialize);
  observer.watch(connection.client);
  const timer = setInterval(() => recorder.add(observer.take()), 100);
  try {
    await up(connection.client.db(db.databaseName), connection.client);
    await db.collection('changelog').insertOne({ fileName: '1.js' });
  } finally {
    clearInterval(timer);
    recorder.add(observer.take());
    if (how.killed !== true) await recorder.end();
  }
}

/** Takes everything back and proves it. */
export async function undoScene(made: Scene, point: RollbackPoint, options: Partial<UndoOptions> = {}): Promise<UndoProof> {
  await using opened = await openSceneUndo(made, point, options);
  const undo = possible(opened.undo);
  await undo.carryOut();
  return await undo.prove();
}

export interface UndoneScene extends AsyncDisposable {
  readonly undo: Undo;
  readonly lock: Lock;
}

/** Opens an undo under the lock. */
export async function openSceneUndo(
  { client, db, folder }: Scene,
  point: RollbackPoint,
  options: Partial<UndoOptions> = {},
): Promise<UndoneScene> {
  const lock = await acquireLock({ db, owner: 'test', purpose: 'test', log: silentLog, waitMilliseconds: 5_000 });
  const undo = await openUndo({
    client,
    point,
    conflicts: 'fail',
    backup: undefined,
    lock,
    run: 'test',
    now: () => new Date(),
    folder,
    log: silentLog,
    signal: new AbortController().signal,
    ...options,
  });
  return {
    undo,
    lock,
    [Symbol.asyncDispose]: async () => {
      if (undo.possible) await undo[Symbol.asyncDispose]();
      await lock.release();
    },
  };
}

/** The undo, when it is possible. */
export function possible(undo: Undo): PossibleUndo {
  if (!undo.possible) throw new Error(`not possible: ${undo.why}`);
  return undo;
}
