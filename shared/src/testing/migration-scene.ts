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

/** Makes the collection `things` with so many documents `{_id: 0…, n: 0}`. */
export async function fillThings(db: Db, documents: number): Promise<void> {
  const things = Array.from({ length: documents }, (_, index) => ({ _id: index as never, n: 0 }));
  if (things.length > 0) await db.collection('things').insertMany(things);
}

/** The body of an `up` that raises each `n` by one in batches of ten. Not idempotent: a batch that is lost or done twice shows. */
export const raiseThings = `await batch('things', { size: 10 }, ({ filter }) => db.collection('things').updateMany(filter, { $inc: { n: 1 } }));`;
