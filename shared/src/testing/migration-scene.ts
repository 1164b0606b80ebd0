import type { Db } from 'mongodb';
import type { Connection } from '../mongo/connect.ts';
import { makeCheckout, type Checkout } from './checkout.ts';
import { connectShared, dropDatabases, uniqueDatabase } from './mongod.ts';

/** A database on the shared server and a checkout with migrations for it. */
export interface Prepared {
  readonly db: Db;
  readonly checkout: Checkout;
}

/** What the tests of a file prepare; all of it is removed at the end. */
export interface MigrationScene extends AsyncDisposable {
  readonly connection: Connection;
  /** `files` by their path in the checkout. */
  prepare(files: Readonly<Record<string, string>>): Promise<Prepared>;
}

/** Connects to the shared server. `purpose` is how the names of its databases begin. */
export async function openMigrationScene(purpose: string): Promise<MigrationScene> {
  const connection = await connectShared();
  const names: string[] = [];
  const checkouts: Checkout[] = [];
  return {
    connection,
    async prepare(files) {
      const name = uniqueDatabase(purpose);
      names.push(name);
      const checkout = await makeCheckout(files);
      checkouts.push(checkout);
      return { db: connection.client.db(name), checkout };
    },
    async [Symbol.asyncDispose]() {
      for (const checkout of checkouts) await checkout[Symbol.asyncDispose]();
      await dropDatabases(connection.client, names);
      await connection.client.close();
    },
  };
}
