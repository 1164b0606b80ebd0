import type { Document, MongoClient } from 'mongodb';
import { GuardError } from '../errors/guard-error.ts';
import { fromMongoError } from '../errors/mongo-errors.ts';

interface Privilege {
  readonly resource: { readonly db?: string; readonly collection?: string; readonly anyResource?: boolean; readonly cluster?: boolean };
  readonly actions: readonly string[];
}

/**
 * Asks the server whether the user may do `actions` in every one of `databases`. A privilege on one collection counts, because the server
 * says exactly what is missing when it matters. Servers without access control allow everything. Throws `target/privilege-missing`.
 */
export async function requirePrivileges(client: MongoClient, databases: readonly string[], actions: readonly string[]): Promise<void> {
  const { authInfo } = await status(client);
  const users = authInfo['authenticatedUsers'] as readonly unknown[];
  if (users.length === 0) return;
  const privileges = authInfo['authenticatedUserPrivileges'] as readonly Privilege[];
  for (const database of databases) {
    const missing = actions.filter((action) => !privileges.some((privilege) => grants(privilege, database, action)));
    if (missing.length === 0) continue;
    throw new GuardError('target/privilege-missing', `The user may not do ${missing.join(', ')} in the database ${database}.`);
  }
}

async function status(client: MongoClient): Promise<Document> {
  try {
    return await client.db('admin').command({ connectionStatus: 1, showPrivileges: true });
  } catch (error) {
    throw fromMongoError(error, 'Asking for the privileges of the user');
  }
}

function grants({ resource, actions }: Privilege, database: string, action: string): boolean {
  const covers = resource.anyResource === true || resource.db === '' || resource.db === database;
  return covers && (actions.includes(action) || actions.includes('anyAction'));
}
