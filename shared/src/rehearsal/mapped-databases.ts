import type { MongoClient } from 'mongodb';
import { GuardError } from '../errors/guard-error.ts';
import { fromMongoError } from '../errors/mongo-errors.ts';

/**
 * Claims the databases beside the copy that migrations may use there: none may exist, and disposing removes them all. Throws
 * `rehearsal/copy-exists` and the errors of `fromMongoError`.
 */
export async function claimMappedDatabases(client: MongoClient, names: readonly string[]): Promise<AsyncDisposable> {
  try {
    const { databases } = names.length === 0 ? { databases: [] } : await client.db('admin').admin().listDatabases({ nameOnly: true });
    const taken = databases.find(({ name }) => names.includes(name));
    if (taken !== undefined) {
      throw new GuardError('rehearsal/copy-exists', `The database ${taken.name} exists already: migrations would write to it.`);
    }
  } catch (error) {
    throw fromMongoError(error, 'Preparing the databases beside the copy');
  }
  return {
    async [Symbol.asyncDispose]() {
      for (const name of names) await client.db(name).dropDatabase();
    },
  };
}
