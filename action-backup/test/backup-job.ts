import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { compareCensus } from '@migration-guard/shared/checks/compare-census';
import { takeCensus } from '@migration-guard/shared/mongo/census';
import type { Connection } from '@migration-guard/shared/mongo/connect';
import { startJob, type Job, type StepResult } from '@migration-guard/shared/testing/action-runner';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '@migration-guard/shared/testing/mongod';
import type { Db } from 'mongodb';

/** A job of its own for every test, and two databases on the shared server: one that is filled once, and an empty one for its copy. */
export interface BackupJob {
  readonly database: string;
  readonly copy: string;
  /** What restores the database as its copy. */
  readonly renames: { readonly 'ns-from': string; readonly 'ns-to': string };
  /** Valid from `beforeAll` on; the job from `beforeEach` on. */
  readonly connection: Connection;
  readonly job: Job;
  /** Runs the bundle with the shared server and the store `backups` in the workspace, unless the inputs say otherwise. */
  readonly run: (inputs: Record<string, string>, options?: Partial<Parameters<Job['run']>[1]>) => Promise<StepResult>;
  /** What is different in the copy, documents, options and indexes. */
  differences(): Promise<readonly unknown[]>;
}

/** Registers the hooks of Jest. */
export function backupJob(purpose: string, fill: (db: Db) => Promise<unknown>): BackupJob {
  const database = uniqueDatabase(purpose);
  const copy = uniqueDatabase(`${purpose}_copy`);
  let connection: Connection;
  let job: Job;

  beforeAll(async () => {
    connection = await connectShared();
    await fill(connection.client.db(database));
  });
  beforeEach(async () => {
    job = await startJob();
  });
  afterEach(async () => {
    await job[Symbol.asyncDispose]();
    await dropDatabases(connection.client, [copy]);
  });
  afterAll(async () => {
    await dropDatabases(connection.client, [database]);
    await connection.client.close();
  });

  return {
    database,
    copy,
    renames: { 'ns-from': `${database}.*`, 'ns-to': `${copy}.*` },
    get connection() {
      return connection;
    },
    get job() {
      return job;
    },
    run: (inputs, options = {}) => job.run('backup', { inputs: { uri: sharedUri(), store: 'backups', ...inputs }, ...options }),
    async differences() {
      const before = await takeCensus(connection.client, database, { digests: true });
      const after = await takeCensus(connection.client, copy, { digests: true });
      return compareCensus(before, { ...after, database });
    },
  };
}
