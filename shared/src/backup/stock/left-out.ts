import type { Namespace } from '../namespaces.ts';

const bucketsPrefix = 'system.buckets.';

/** What mongodump writes beside the collections of users: users and roles, views as documents, profiles. */
export function isLeftOut(collection: string): boolean {
  return (collection.startsWith('system.') && collection !== 'system.js') || collection.startsWith('$');
}

/** The time series whose documents this collection holds. */
export function seriesOf(collection: string): string | undefined {
  return collection.startsWith(bucketsPrefix) ? collection.slice(bucketsPrefix.length) : undefined;
}

/** What mongodump keeps of users and roles; `version` names the form of the users. */
export type AccountKind = 'users' | 'roles' | 'version';
const accounts: ReadonlyMap<string, AccountKind> = new Map([
  ['system.users', 'users'],
  ['system.roles', 'roles'],
  ['system.version', 'version'],
]);

/** Which accounts a collection of a dump holds: those of all databases lie in `admin`, those of one beside its collections. */
export function accountsIn({ database, collection }: Namespace): AccountKind | undefined {
  if (database === 'admin') return accounts.get(collection);
  return collection.startsWith('$admin.') ? accounts.get(collection.slice('$admin.'.length)) : undefined;
}
