import type { MongoClient } from 'mongodb';
import { GuardError } from '../errors/guard-error.ts';
import { fromMongoError } from '../errors/mongo-errors.ts';
import { bucketsOf, listCollections, readCatalog, type CatalogEntry, type ListedEntry } from '../mongo/catalog.ts';
import { isOwnCollection } from '../mongo/own-collections.ts';
import { matchesPattern, selects, type Namespace, type NamespacePatterns } from './namespaces.ts';
import type { PlannedCollection } from './planned-collection.ts';
import { withQueries, type CollectionQuery } from './query.ts';

/** What a backup is asked to hold. */
export interface Selection extends NamespacePatterns {
  /** Empty: every database but `admin`, `config`, `local` and the server's internal ones. */
  readonly databases: readonly string[];
  /** Collections of which only some documents are taken. */
  readonly queries?: readonly CollectionQuery[] | undefined;
}

/** The databases that are meant, sorted. */
export async function chosenDatabases(client: MongoClient, selection: Selection): Promise<readonly string[]> {
  if (selection.databases.length > 0) return selection.databases.toSorted();
  try {
    const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
    return databases
      .map(({ name }) => name)
      .filter((name) => !['admin', 'config', 'local'].includes(name) && !name.startsWith('__mdb_internal'))
      .sort();
  } catch (error) {
    throw fromMongoError(error, 'Listing the databases');
  }
}

/**
 * Whether a collection is meant, in one of the chosen databases. Left out: `system.*` but `system.js`, and our own collections: locks and
 * journals of the source must not come back by a restore.
 */
export function isMeant(patterns: NamespacePatterns, namespace: Namespace): boolean {
  const { collection } = namespace;
  if (collection.startsWith('system.') && collection !== 'system.js') return false;
  return !isOwnCollection(collection) && selects(patterns, namespace);
}

/** The collections, views and time series that are meant. Throws `input/invalid` for a query that fits none. */
export async function planCollections(
  client: MongoClient,
  databases: readonly string[],
  { include, exclude, queries = [], signal }: Omit<Selection, 'databases'> & { readonly signal?: AbortSignal | undefined },
): Promise<readonly PlannedCollection[]> {
  const planned: PlannedCollection[] = [];
  for (const database of databases) {
    const wanted = (collection: string): boolean => isMeant({ include, exclude }, { database, collection });
    for (const entry of await readCatalog(client, database, { wanted, signal })) planned.push({ database, entry, source: sourceOf(entry) });
  }
  return withQueries(planned, queries);
}

function sourceOf({ name, type }: CatalogEntry): string | undefined {
  if (type === 'view') return undefined;
  return type === 'timeseries' ? bucketsOf(name) : name;
}

/** Throws `backup/required-collection` when a pattern of `required` fits no collection that has documents. */
export function requireCollections(
  required: readonly string[],
  found: readonly { readonly database: string; readonly collection: string; readonly documents: number }[],
): void {
  for (const pattern of required) {
    const matching = found.filter((candidate) => matchesPattern(pattern, candidate));
    if (matching.length === 0) throw new GuardError('backup/required-collection', `The required collection ${pattern} does not exist.`);
    if (matching.every(({ documents }) => documents === 0))
      throw new GuardError('backup/required-collection', `The required collection ${pattern} is empty.`);
  }
}

type Defined = Pick<PlannedCollection, 'database' | 'entry'>;

/** What tells two states of a collection's catalog entry apart. */
function fingerprint({ database, entry }: Defined): string {
  return JSON.stringify([database, entry.name, entry.type, entry.uuid, entry.options, entry.indexes.toSorted()]);
}

export function sameDefinition(a: Defined, b: Defined): boolean {
  return fingerprint(a) === fingerprint(b);
}

/** The first collection that is another one in `after`, or not there any more. */
export function firstChanged(before: readonly PlannedCollection[], after: readonly PlannedCollection[]): PlannedCollection | undefined {
  const now = new Set(after.map(fingerprint));
  return before.find((planned) => !now.has(fingerprint(planned)));
}

/**
 * The first collection that the server does not hold under the same name and UUID any more, whatever its options and indexes are. Throws the
 * errors of `fromMongoError`.
 */
export async function firstReplaced(
  client: MongoClient,
  before: readonly PlannedCollection[],
  signal?: AbortSignal,
): Promise<PlannedCollection | undefined> {
  const identity = ({ name, type, uuid }: ListedEntry): string => JSON.stringify([name, type, uuid]);
  for (const [database, group] of Map.groupBy(before, (planned) => planned.database)) {
    const now = new Set((await listCollections(client, database, { wanted: () => true, signal })).map(identity));
    const replaced = group.find(({ entry }) => !now.has(identity(entry)));
    if (replaced !== undefined) return replaced;
  }
  return undefined;
}
