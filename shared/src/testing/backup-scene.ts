import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import type { Db } from 'mongodb';
import type { CreateOptions } from '../backup/create-options.ts';
import { createBackup } from '../backup/create.ts';
import type { Manifest } from '../backup/manifest.ts';
import { parseRenames } from '../backup/namespaces.ts';
import { restoreBackup, type RestoreOptions, type RestoreResult } from '../backup/restore.ts';
import type { BackupStore } from '../backup/store.ts';
import { directoryStore } from '../backup/stores/directory.ts';
import { silentLog } from '../log/log.ts';
import type { Connection } from '../mongo/connect.ts';
import { connectShared, dropDatabases, uniqueDatabase } from './mongod.ts';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.ts';
import { differingCollections, truthOf } from './truth.ts';

/** What each test of a file about backups has anew: two databases on the shared server that hold nothing, and an empty store. */
export interface BackupScene {
  readonly database: string;
  readonly copy: string;
  /** Valid from `beforeAll` on, like `db` and `copied`; folder and store from `beforeEach` on. */
  readonly connection: Connection;
  readonly db: Db;
  readonly copied: Db;
  readonly folder: string;
  readonly store: BackupStore;
  /** Backs the database up. */
  create(options?: Partial<CreateOptions>): Promise<Manifest>;
  /** Restores a backup as the copy. */
  restore(manifest: Pick<Manifest, 'id'>, options?: Partial<RestoreOptions>): Promise<RestoreResult>;
  /** Names of the collections that are not the same in both databases, counted without any code of the product. */
  differences(): Promise<readonly string[]>;
}

/** Registers the hooks of Jest that set the scene. */
export function backupScene(purpose: string): BackupScene {
  const database = uniqueDatabase(purpose);
  const copy = uniqueDatabase(`${purpose}_copy`);
  let connection: Connection;
  let folder: TemporaryFolder;

  beforeAll(async () => {
    connection = await connectShared();
  });
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(async () => {
    await folder[Symbol.asyncDispose]();
    await dropDatabases(connection.client, [database, copy]);
  });
  afterAll(() => connection.client.close());

  const scene: BackupScene = {
    database,
    copy,
    get connection() {
      return connection;
    },
    get db() {
      return connection.client.db(database);
    },
    get copied() {
      return connection.client.db(copy);
    },
    get folder() {
      return folder.path;
    },
    get store() {
      return directoryStore(folder.path);
    },
    create: (options = {}) =>
      createBackup({ connection, store: scene.store, selection: { databases: [database] }, log: silentLog, ...options }),
    restore: ({ id }, options = {}) =>
      restoreBackup({
        client: connection.client,
        store: scene.store,
        backupId: id,
        renames: parseRenames([`${database}.*`], [`${copy}.*`]),
        drop: false,
        log: silentLog,
        ...options,
      }),
    differences: async () => differingCollections(await truthOf(scene.db), await truthOf(scene.copied)),
  };
  return scene;
}
