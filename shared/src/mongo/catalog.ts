import type { MongoClient } from 'mongodb';
import { fromMongoError, serverCode } from '../errors/mongo-errors.ts';
import { toExtendedJson } from './extended-json.ts';
import { elementOf, elementsOf, forEachInArray, stringOf } from './raw-bson.ts';
import { readRaw, type RawQuery } from './raw-read.ts';

export type CollectionType = 'collection' | 'view' | 'timeseries';

/** What a server knows of a collection beside its documents. */
export interface CatalogEntry {
  readonly name: string;
  readonly type: CollectionType;
  /** 32 hex digits, of a time series those of its buckets; absent for views. */
  readonly uuid?: string;
  /** Canonical Extended JSON, keys in the server's order. */
  readonly options: string;
  /** Canonical Extended JSON of each index, in the server's order; empty for views. */
  readonly indexes: readonly string[];
}

/** What a server tells of its collections when they are listed. */
export type ListedEntry = Omit<CatalogEntry, 'indexes'>;

const namespaceNotFound = 26;
/** Collections that are asked for their indexes at once: a database can have thousands, and each answer takes a way to the server and back. */
const atOnce = 8;
/** The name of the collection in which a server before 8.3 keeps the documents of a time series. */
export const bucketsOf = (timeSeries: string): string => `system.buckets.${timeSeries}`;

export interface CatalogOptions {
  /** Whether names are taken; default: all but `system.*`. */
  readonly wanted?: (name: string) => boolean;
  readonly signal?: AbortSignal | undefined;
}

/** All collections, views and time series of a database, sorted by name. Throws the errors of `fromMongoError`. */
export async function readCatalog(client: MongoClient, database: string, options: CatalogOptions = {}): Promise<readonly CatalogEntry[]> {
  const entries: CatalogEntry[] = [];
  try {
    const listed = await list(client, database, options);
    const queue = listed.values();
    const describe = async (): Promise<void> => {
      for (const entry of queue) {
        options.signal?.throwIfAborted();
        const indexes = entry.type === 'view' ? [] : await readIndexes(client, database, entry.name);
        // A collection that was dropped after it was listed.
        if (indexes !== undefined) entries.push({ ...entry, indexes });
      }
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, listed.length) }, describe));
  } catch (error) {
    options.signal?.throwIfAborted();
    throw fromMongoError(error, `Listing the collections of ${database}`);
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** As `readCatalog`, in one question: without the indexes, for which every collection has to be asked. */
export async function listCollections(
  client: MongoClient,
  database: string,
  options: CatalogOptions = {},
): Promise<readonly ListedEntry[]> {
  try {
    return (await list(client, database, options)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    options.signal?.throwIfAborted();
    throw fromMongoError(error, `Listing the collections of ${database}`);
  }
}

async function list(client: MongoClient, database: string, { wanted, signal }: CatalogOptions): Promise<readonly ListedEntry[]> {
  const query = { client, database, collection: '$cmd.listCollections', command: { listCollections: 1 }, signal };
  const listed = (await documentsOf(query)).map(entryOf);
  const bucketUuids = new Map(listed.map(({ name, uuid }) => [name, uuid]));
  return listed
    .filter(({ name }) => wanted?.(name) ?? !name.startsWith('system.'))
    .map((found) => {
      const uuid = found.uuid ?? bucketUuids.get(bucketsOf(found.name));
      return { ...found, ...(uuid === undefined ? {} : { uuid }) };
    });
}

/** The indexes of a collection as canonical Extended JSON, or `undefined` when there is no such collection. */
async function readIndexes(client: MongoClient, database: string, collection: string): Promise<readonly string[] | undefined> {
  try {
    const documents = await documentsOf({ client, database, collection, command: { listIndexes: collection } });
    return documents.map(toExtendedJson);
  } catch (error) {
    if (serverCode(error) === namespaceNotFound) return undefined;
    throw error;
  }
}

async function documentsOf(query: RawQuery): Promise<readonly Buffer[]> {
  const documents: Buffer[] = [];
  for await (const batch of readRaw(query)) forEachInArray(batch, (start, end) => documents.push(batch.subarray(start, end)));
  return documents;
}

function entryOf(document: Buffer): ListedEntry {
  let name = '';
  let type: CollectionType = 'collection';
  let options = '{}';
  let uuid: string | undefined;
  for (const element of elementsOf(document)) {
    if (element.name === 'name') name = stringOf(element.value);
    if (element.name === 'type') type = stringOf(element.value) as CollectionType;
    if (element.name === 'options') options = toExtendedJson(element.value);
    if (element.name === 'info') uuid = elementOf(element.value, 'uuid')?.value.toString('hex', 5);
  }
  return { name, type, options, ...(uuid === undefined ? {} : { uuid }) };
}
