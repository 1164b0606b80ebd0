import type { MongoClient, Timestamp } from 'mongodb';
import { z } from 'zod';
import { GuardError } from '../errors/guard-error.ts';
import { fromMongoError } from '../errors/mongo-errors.ts';
import type { Log } from '../log/log.ts';
import { bucketsOf, readCatalog, type CatalogEntry } from './catalog.ts';
import { createDigester, digestSchema, type Digest } from './digest.ts';
import { isOwnCollection } from './own-collections.ts';
import { readRaw, scan } from './raw-read.ts';
import { memoryPool } from './memory-pool.ts';

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
  /** The documents as they were at this cluster time, where the server can tell; default: as they are while they are read. */
  readonly atClusterTime?: Timestamp | undefined;
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
    const target = { database, collection, signal: options.signal };
    const { atClusterTime } = options;
    const digest =
      atClusterTime === undefined ? await digestCollection(client, target) : await digestAt(client, { ...target, atClusterTime });
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

/** A collection that cannot be read as it was (capped, or longer ago than the server remembers) is read as it is. */
async function digestAt(client: MongoClient, target: DigestTarget): Promise<Digest> {
  try {
    return await digestCollection(client, target);
  } catch (error) {
    const { atClusterTime: _unused, ...now } = target;
    const code = error instanceof GuardError ? error.code : undefined;
    if (code !== 'server/snapshot-unavailable' && code !== 'server/failed') throw error;
    return digestCollection(client, now);
  }
}

export interface DigestTarget {
  readonly database: string;
  readonly collection: string;
  readonly signal?: AbortSignal | undefined;
  /** The documents as a majority of the members has them, at this cluster time or later; default: as the primary has them now. */
  readonly notBefore?: Timestamp | undefined;
  /** The documents exactly as they were at this cluster time. */
  readonly atClusterTime?: Timestamp | undefined;
}

/** The digest of every document of a collection, read as raw bytes. Throws the errors of `fromMongoError`. */
export async function digestCollection(
  client: MongoClient,
  { database, collection, signal, notBefore, atClusterTime }: DigestTarget,
): Promise<Digest> {
  const digester = createDigester();
  try {
    for await (const batch of readRaw({ client, database, collection, command: scan(collection, { notBefore, atClusterTime }), signal })) {
      digester.addArray(batch);
      memoryPool.leaseOf(batch)?.end();
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw fromMongoError(error, `Reading ${database}.${collection}`);
  }
  return digester.digest();
}
