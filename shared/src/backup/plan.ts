import type { MongoClient } from 'mongodb';
import { GuardError } from '../errors/guard-error.ts';
import { fromMongoError } from '../errors/mongo-errors.ts';
import { bucketsOf, readCatalog, type CatalogEntry } from '../mongo/catalog.ts';
import { isOwnCollection } from '../mongo/own-collections.ts';
import { matchesPattern, selects, type NamespacePatterns } from './namespaces.ts';

/** What a backup is asked to hold. */
export interface Selection extends NamespacePatterns {
  /** Empty: every database but `admin`, `config`, `local` and the server's internal ones. */
  readonly databases: readonly string[];
}

export interface PlannedCollection {
  readonly database: string;
  readonly entry: CatalogEntry;
  /** The collection that holds the documents; a time series keeps them in its buckets, a view has none. */
  readonly source: string | undefined;
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
 * The collections, views and time series that are meant. Left out: `system.*` but `system.js`, and our own collections: locks and journals
 * of the source must not come back by a restore.
 */
export async function planCollections(
  client: MongoClient,
  databases: readonly string[],
  { include, exclude, signal }: NamespacePatterns & { readonly signal?: AbortSignal | undefined },
): Promise<readonly PlannedCollection[]> {
  const planned: PlannedCollection[] = [];
  for (const database of databases) {
    const wanted = (collection: string): boolean =>
      (!collection.startsWith('system.') || collection === 'system.js') &&
      !isOwnCollection(collection) &&
      selects({ include, exclude }, { database, collection });
    for (const entry of await readCatalog(client, database, { wanted, signal })) planned.push({ database, entry, source: sourceOf(entry) });
  }
  return planned;
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

/** What tells two states of a collection's catalog entry apart. */
function fingerprint({ database, entry }: PlannedCollection): string {
  return JSON.stringify([database, entry.name, entry.type, entry.uuid, entry.options, entry.indexes.toSorted()]);
}

/** The first collection that is another one in `after`, or not there any more. */
export function firstChanged(before: readonly PlannedCollection[], after: readonly PlannedCollection[]): PlannedCollection | undefined {
  const now = new Set(after.map(fingerprint));
  return before.find((planned) => !now.has(fingerprint(planned)));
}
