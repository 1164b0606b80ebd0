import { GuardError } from '@migration-guard/shared/errors/guard-error';
import type { MigrationFile } from '@migration-guard/shared/migration/files';
import { isInTransaction } from '@migration-guard/shared/migration/run-file';
import type { LoadedFile } from '@migration-guard/shared/migration/worker/protocol';
import type { MongoClient } from 'mongodb';
import type { Work } from './work.ts';

/** Says beforehand what transactions cannot do. Throws `migration/no-transactions` on a server that has none. */
export async function checkTransactions(
  { inputs, context, target }: Work,
  files: readonly MigrationFile[],
  loaded: ReadonlyMap<string, LoadedFile>,
): Promise<void> {
  const names = files.map(({ name }) => name).filter((name) => isInTransaction({ transaction: inputs.transaction, loaded }, name));
  if (names.length === 0) return;
  const { topology, client } = target.connection;
  if (topology === 'standalone') {
    context.stage.dataState(`Nothing was changed in ${target.database}.`);
    throw new GuardError('migration/no-transactions', `${names.join(', ')} would run in a transaction, but the server is a standalone.`);
  }
  const seconds = await lifetimeOf(client);
  context.log.info(
    `In a transaction each: ${names.join(', ')}. The server ends a transaction after ${seconds} s, refuses indexes on collections that hold ` +
      'documents and other changes of structure, and writes its oplog in pieces of 16 MB: beyond about a thousand documents, opt out and use the batch helper.',
  );
}

/** `transactionLifetimeLimitSeconds`, where the user may read it. */
async function lifetimeOf(client: MongoClient): Promise<number> {
  try {
    const { transactionLifetimeLimitSeconds: seconds } = await client
      .db('admin')
      .command({ getParameter: 1, transactionLifetimeLimitSeconds: 1 });
    return Number(seconds);
  } catch {
    return 60;
  }
}
