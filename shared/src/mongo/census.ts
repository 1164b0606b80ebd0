import type { MongoClient, Timestamp } from 'mongodb';
import { z } from 'zod';
import { fromMongoError } from '../errors/mongo-errors.ts';
import type { Log } from '../log/log.ts';
import { bucketsOf, readCatalog, type CatalogEntry } from './catalog.ts';
import { createDigester, digestSchema, type Digest } from './digest.ts';
import { isOwnCollection } from './own-collections.ts';
import { readRaw, scan } from './raw-read.ts';
import { replyMemory } from './reply-memory.ts';

const collectionCensusSchema = z.object({
  name: z.string(),
  type: z.enum(['collection', 'view', 'timeseries']),
  /** 32 hex digits; absent for views. It changes when a collection is restored, so it is no part of equality. */
  uuid: z.string().exactOptional(),
  /** Canonical Extended JSON, keys in the server's order. */
  options: z.string(),
  /** Canonical Extended JSON of each index, sorted by text. */
  indexes: z.array(z.string()).readonly(),
  /** Of a time series: buckets. Of a view: 0. */
  documents: z.number(),
  digest: digestSchema.exactOptional(),
});

/** The zod schema of a census, for the documents that carry one. */
export const censusSchema = z.object({
  database: z.string(),
  /** ISO 8601. */
  takenAt: z.string(),
  collections: z.array(collectionCensusSchema).readonly(),
});

export type CollectionCensus = z.infer<typeof collectionCensusSchema>;
/** What a database holds: the collections sorted by name, without `system.*` and our own. Time series are counted by their buckets. */
export type Census = z.infer<typeof censusSchema>;

export interface CensusOptions {
  /** Whether every document is read for an exact count and a digest; otherwise counts are the server's own. */
  readonly digests: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly log?: Log | undefined;
  /** Names of the collections to look at; default: all. */
  readonly only?: readonly string[] | undefined;
}

/** Counts a database. Throws the errors of `fromMongoError`, and the signal's reason when it is aborted. */
export async function takeCensus(client: MongoClient, database: string, options: CensusOptions): Promise<Census> {
  const { only, signal } = options;
  const wanted = (name: string): boolean => !name.startsWith('system.') && !isOwnCollection(name) && only?.includes(name) !== false;
  const collections: CollectionCensus[] = [];
  for (const entry of await readCatalog(client, database, { wanted, signal })) {
    options.log?.debug(`Counting ${database}.${entry.name}`);
    const { indexes, ...described } = entry;
    collections.push({ ...described, indexes: [...indexes].sort(), ...(await contentsOf({ client, database, entry, options })) });
  }
  return { database, takenAt: new Date().toISOString(), collections };
}

interface Counted {
  readonly client: MongoClient;
  readonly database: string;
  readonly entry: CatalogEntry;
  readonly options: CensusOptions;
}

async function contentsOf({ client, database, entry, options }: Counted): Promise<Pick<CollectionCensus, 'documents' | 'digest'>> {
  if (entry.type === 'view') return { documents: 0 };
  const collection = entry.type === 'timeseries' ? bucketsOf(entry.name) : entry.name;
  if (options.digests) {
    const digest = await digestCollection(client, { database, collection, signal: options.signal });
    return { documents: digest.documents, digest };
  }
  try {
    return {
      documents: await client
        .db(database)
        .collection(collection)
        .countDocuments({}, { hint: { $natural: 1 } }),
    };
  } catch (error) {
    throw fromMongoError(error, `Counting ${database}.${entry.name}`);
  }
}

export interface DigestTarget {
  readonly database: string;
  readonly collection: string;
  readonly signal?: AbortSignal | undefined;
  /** The documents as a majority of the members has them, at this cluster time or later; default: as the primary has them now. */
  readonly notBefore?: Timestamp | undefined;
}

/** The digest of every document of a collection, read as raw bytes. Throws the errors of `fromMongoError`. */
export async function digestCollection(client: MongoClient, { database, collection, signal, notBefore }: DigestTarget): Promise<Digest> {
  const digester = createDigester();
  try {
    for await (const batch of readRaw({ client, database, collection, command: scan(collection, { notBefore }), signal })) {
      digester.addArray(batch);
      replyMemory.leaseOf(batch)?.end();
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw fromMongoError(error, `Reading ${database}.${collection}`);
  }
  return digester.digest();
}
