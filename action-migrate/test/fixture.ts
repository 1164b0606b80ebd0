import type { ConsistencyWish } from '@migration-guard/shared/backup/consistency';
import { createBackup } from '@migration-guard/shared/backup/create';
import { recordProof } from '@migration-guard/shared/backup/proof';
import { directoryStore } from '@migration-guard/shared/backup/stores/directory';
import { silentLog } from '@migration-guard/shared/log/log';
import type { Connection } from '@migration-guard/shared/mongo/connect';
import { startJob, type Job, type JobOptions, type StepOptions, type StepResult } from '@migration-guard/shared/testing/action-runner';
import { makeCheckout, type Checkout } from '@migration-guard/shared/testing/checkout';
import { connectShared, sharedUri, uniqueDatabase } from '@migration-guard/shared/testing/mongod';
import path from 'node:path';
import type { Db } from 'mongodb';

/** A checkout with migrations, a database with some orders, and a job in which the action runs. */
export interface Fixture extends AsyncDisposable {
  readonly connection: Connection;
  readonly database: string;
  readonly db: Db;
  readonly checkout: Checkout;
  readonly job: Job;
  /** Takes a backup of the database into the folder `backups` of the checkout, as if its server had that version; its id. */
  backUp(as?: { readonly serverVersion?: string; readonly consistency?: ConsistencyWish }): Promise<string>;
  migrate(mode: string, inputs?: Readonly<Record<string, string>>, options?: Omit<StepOptions, 'inputs'>): Promise<StepResult>;
}

export async function openFixture(files: Readonly<Record<string, string>>, options: JobOptions = {}): Promise<Fixture> {
  const connection = await connectShared();
  const database = uniqueDatabase('migrate');
  const db = connection.client.db(database);
  await db.collection<{ _id: number; total: number }>('orders').insertMany(Array.from({ length: 90 }, (_, _id) => ({ _id, total: _id })));
  const checkout = await makeCheckout(files);
  const job = await startJob({ ...options, workspace: checkout.folder });
  return {
    connection,
    database,
    db,
    checkout,
    job,
    async backUp({ serverVersion = connection.serverVersion, consistency } = {}) {
      const store = directoryStore(path.join(checkout.folder, 'backups'));
      const selection = { databases: [database], include: [], exclude: [] };
      const { id, digest } = await createBackup({
        connection: { ...connection, serverVersion },
        store,
        selection,
        consistency,
        log: silentLog,
      });
      await recordProof(store, id, { kind: 'read', at: new Date(), digest });
      return id;
    },
    migrate: (mode, inputs = {}, more = {}) => job.run('migrate', { inputs: { mode, uri: sharedUri(), database, ...inputs }, ...more }),
    async [Symbol.asyncDispose]() {
      await db.dropDatabase();
      await connection.client.close();
      await job[Symbol.asyncDispose]();
      await checkout[Symbol.asyncDispose]();
    },
  };
}

/** A list that an action gave as output. */
export function listOf(text: string | undefined): readonly string[] {
  return JSON.parse(text ?? 'null') as string[];
}
