import { createHash } from 'node:crypto';
import { MongoServerError, type Document, type ErrorDescription, type MongoClient, type Timestamp } from 'mongodb';
import { GuardError } from '../errors/guard-error.ts';
import { fromMongoError } from '../errors/mongo-errors.ts';
import type { Log } from '../log/log.ts';
import type { Progress } from '../log/progress.ts';
import { bucketsOf, type CatalogEntry } from '../mongo/catalog.ts';
import { digestCollection } from '../mongo/census.ts';
import { sameDigest } from '../mongo/digest.ts';
import { parseExtendedJson, type OrderedDocument } from '../mongo/extended-json.ts';
import { shadowPrefix } from '../mongo/own-collections.ts';
import { memoryPool } from '../mongo/memory-pool.ts';
import { forEachDocument } from '../mongo/raw-bson.ts';
import { maxBatchDocuments, type RawBatch, type RawInserter } from '../mongo/raw-write.ts';
import type { Budget } from './budget.ts';
import { putBackEmptyTimestamps } from './empty-timestamps.ts';
import type { DecodedFrame } from './frame-reader.ts';
import { nameOf, type Namespace } from './namespaces.ts';
import type { RestoreSource, SourceCollection } from './restore-source.ts';
import { currentClusterTime } from './server-time.ts';

/** What changes names and indexes must be held by a majority, and a set that cannot do it within ten minutes is said. */
const writeConcern = { w: 'majority', wtimeout: 600_000 } as const;

/** One collection of a backup on its way to its new name. */
export interface RestoreItem {
  readonly source: SourceCollection;
  readonly to: Namespace;
  /** What stands at the new name now. */
  readonly existing: CatalogEntry | undefined;
}

export interface LoadOptions {
  readonly client: MongoClient;
  readonly from: RestoreSource;
  readonly inserter: RawInserter;
  /** Shared by all collections that are loaded side by side. */
  readonly budget: Budget;
  readonly progress: Progress;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
}

/** A collection that is loaded and proven, and waits for its name. */
export interface LoadedCollection {
  readonly item: RestoreItem;
  /** Where the documents are now; `undefined` for views and time series, which cannot be renamed. */
  readonly shadow: Namespace | undefined;
  /** The shadow, or the buckets of it; `undefined` for views. */
  readonly documentsAt: Namespace | undefined;
  /** Removes what was loaded, unless it has its name already. */
  readonly discard: () => Promise<void>;
}

/**
 * Loads one collection under its shadow name, proves its digest while its indexes are built. Time series and views have no way to be renamed:
 * a time series is loaded and proven under the shadow name too, to be loaded once more when it takes its name.
 */
export async function loadCollection(options: LoadOptions, item: RestoreItem): Promise<LoadedCollection> {
  if (item.source.type === 'view') return { item, shadow: undefined, documentsAt: undefined, discard: async () => undefined };
  const shadow = shadowOf(item.to);
  const discard = async (): Promise<void> => {
    await options.client
      .db(shadow.database)
      .dropCollection(shadow.collection)
      .catch(() => options.log.warning(`Could not drop ${nameOf(shadow)}.`));
  };
  try {
    await drop(options.client, shadow);
    const filled = await fill(options, item, shadow);
    // Both only read the documents. Whatever fails, the other has ended before the shadow is dropped.
    const building =
      item.source.type === 'collection' && options.from.replay === undefined
        ? createIndexes(options.client, { item, at: shadow, which: 'without expiry' })
        : undefined;
    const [proof, build] = await Promise.allSettled([prove(options, item, filled), building]);
    for (const part of [proof, build]) if (part.status === 'rejected') throw part.reason;
    return { item, shadow, documentsAt: filled.at, discard };
  } catch (error) {
    await discard();
    options.signal?.throwIfAborted();
    throw fromMongoError(error, `Restoring ${nameOf(item.to)}`);
  }
}

/** Gives a loaded collection its name, and only then the indexes and options by which documents expire. */
export async function finishCollection(options: LoadOptions, { item, shadow }: LoadedCollection): Promise<void> {
  const { client, log } = options;
  const { source, to, existing } = item;
  try {
    if (shadow !== undefined && source.type === 'collection') {
      if (existing !== undefined && existing.type !== 'collection') await drop(client, to);
      const target = { renameCollection: nameOf(shadow), to: nameOf(to), dropTarget: existing?.type === 'collection' };
      await confirmed(client.db('admin').command({ ...target, writeConcern }));
    } else {
      if (existing !== undefined) await drop(client, to);
      if (source.type === 'timeseries') await loadAgain(options, item);
      else await create(client, to, parseExtendedJson(source.options));
      if (shadow !== undefined) await drop(client, shadow);
    }
    await createIndexes(client, { item, at: to, which: source.type === 'collection' ? 'with expiry' : 'all' });
    await startExpiry(client, to, parseExtendedJson(source.options));
  } catch (error) {
    log.error(`${nameOf(to)} could not take the place of what was there.`);
    throw fromMongoError(error, `Giving ${nameOf(to)} its name`);
  }
}

/** Builds what waited for a replay. */
export async function buildIndexes({ client }: LoadOptions, { item, shadow }: LoadedCollection): Promise<void> {
  if (shadow === undefined || item.source.type !== 'collection') return;
  try {
    await createIndexes(client, { item, at: shadow, which: 'without expiry' });
  } catch (error) {
    throw fromMongoError(error, `Building the indexes of ${nameOf(item.to)}`);
  }
}

/** A time series under its own name, as it was loaded and proven under the other one. */
async function loadAgain(options: LoadOptions, item: RestoreItem): Promise<void> {
  const { from } = options;
  const filled = await fill(options, item, item.to);
  await prove(options, item, filled);
  await from.replay?.onto([{ database: item.source.database, name: item.source.name, at: filled.at }], options);
}

/** Always the same for the same target, so that the next run clears away what a killed one left behind. */
function shadowOf(to: Namespace): Namespace {
  const hash = createHash('sha256').update(nameOf(to)).digest('hex').slice(0, 16);
  return { database: to.database, collection: `${shadowPrefix}${hash}` };
}

async function drop(client: MongoClient, { database, collection }: Namespace): Promise<void> {
  await client.db(database).dropCollection(collection);
}

/** Where documents were inserted, and the server's time after the last of them. */
interface Filled {
  readonly at: Namespace;
  readonly notBefore: Timestamp | undefined;
}

/** Creates the collection at `at` and inserts its documents. */
async function fill(options: LoadOptions, { source }: RestoreItem, at: Namespace): Promise<Filled> {
  const { client } = options;
  const definition = parseExtendedJson(source.options);
  const idIndex = source.indexes.map(parseExtendedJson).find((index) => index.get('name') === '_id_');
  const givesIdIndex = source.type === 'collection' && idIndex !== undefined && !definition.has('clusteredIndex');
  await create(client, at, new Map([...withoutExpiry(definition), ...(givesIdIndex ? ([['idIndex', idIndex]] as const) : [])]));
  const documentsAt = source.type === 'timeseries' ? { ...at, collection: bucketsOf(at.collection) } : at;
  return { at: documentsAt, notBefore: await insertDocuments(options, source, documentsAt) };
}

/** Reads back what was inserted. Throws `restore/digest-mismatch` unless it is what the source says. */
async function prove(options: LoadOptions, { source, to }: RestoreItem, { at, notBefore }: Filled): Promise<void> {
  const { client, signal } = options;
  if (sameDigest(await digestCollection(client, { ...at, signal, notBefore }), source.digest)) return;
  await correct(options, source, at);
  const found = await digestCollection(client, { ...at, signal, notBefore: await currentClusterTime(client) });
  if (sameDigest(found, source.digest)) return;
  const counts = `${found.documents} documents, ${found.bytes} bytes instead of ${source.digest.documents} and ${source.digest.bytes}`;
  throw new GuardError('restore/digest-mismatch', `${nameOf(to)} was not restored exactly: ${counts}.`);
}

/** Undoes the one change that older servers are known to make. */
async function correct({ client, from, inserter, log, signal }: LoadOptions, source: SourceCollection, at: Namespace): Promise<void> {
  if (inserter.keepsEmptyTimestamps) return;
  const corrected = await putBackEmptyTimestamps(client, from.documents(source, signal), at);
  if (corrected > 0) log.info(`Put ${corrected} empty timestamps of ${source.database}.${source.name} back`);
}

async function create(client: MongoClient, { database, collection }: Namespace, definition: OrderedDocument): Promise<void> {
  // Names of options are never integer-like, what is inside of them may be: only the outer level is an object.
  await client.db(database).command({ create: collection, ...Object.fromEntries(definition) });
}

/** The options without the one by which a clustered collection or a time series forgets documents: it comes back last. */
function withoutExpiry(definition: OrderedDocument): OrderedDocument {
  return new Map([...definition].filter(([name]) => name !== 'expireAfterSeconds'));
}

async function startExpiry(client: MongoClient, { database, collection }: Namespace, definition: OrderedDocument): Promise<void> {
  const expireAfterSeconds = definition.get('expireAfterSeconds');
  if (expireAfterSeconds !== undefined) await client.db(database).command({ collMod: collection, expireAfterSeconds });
}

async function insertDocuments(options: LoadOptions, source: RestoreItem['source'], at: Namespace): Promise<Timestamp | undefined> {
  const { from, inserter, budget, progress, signal } = options;
  // The order of a capped collection is part of what it is.
  const ordered = parseExtendedJson(source.options).get('capped') === true;
  const running = new Set<Promise<void>>();
  let failure: unknown;
  let newest: Timestamp | undefined;
  const insert = async (batch: RawBatch, ended: () => void): Promise<void> => {
    try {
      const time = await inserter.insert(batch);
      if (time !== undefined && (newest === undefined || time.greaterThan(newest))) newest = time;
      progress.add(batch.count, batch.documents.length);
    } catch (error) {
      failure ??= error;
    } finally {
      budget.release(batch.documents.length);
      ended();
    }
  };
  try {
    for await (const frame of from.documents(source, signal)) {
      const pieces = insertable(frame);
      const lease = memoryPool.leaseOf(frame.bytes);
      let open = pieces.length;
      const ended = (): void => {
        if (--open === 0) lease?.end();
      };
      for (const { bytes, documents } of pieces) {
        await budget.room();
        if (failure !== undefined) break;
        budget.hold(bytes.length);
        const batch = { ...at, documents: bytes, count: documents, ordered, bypassValidation: source.type !== 'timeseries' };
        const inserting = insert(batch, ended).finally(() => running.delete(inserting));
        running.add(inserting);
        if (ordered) await inserting;
      }
      if (failure !== undefined) break;
    }
  } finally {
    // A late insert would make a dropped shadow collection anew.
    await Promise.all(running);
  }
  if (failure !== undefined) throw failure;
  return newest;
}

/** Bytes of one insert, from which on it takes no more documents: small enough that several are on their way at once. */
const fullInsert = 4 * 2 ** 20;

/** A frame in pieces, one for each insert command. */
function insertable(frame: DecodedFrame): readonly DecodedFrame[] {
  const pieces: DecodedFrame[] = [];
  let documents = 0;
  let begin = 0;
  forEachDocument(frame.bytes, (_start, end) => {
    documents++;
    if (documents < maxBatchDocuments && end - begin < fullInsert && end < frame.bytes.length) return;
    pieces.push({ bytes: frame.bytes.subarray(begin, end), documents });
    begin = end;
    documents = 0;
  });
  return pieces;
}

interface IndexWork {
  readonly item: RestoreItem;
  readonly at: Namespace;
  /** Indexes by which documents expire come last: they start to delete at once. */
  readonly which: 'all' | 'without expiry' | 'with expiry';
}

async function createIndexes(client: MongoClient, { item, at, which }: IndexWork): Promise<void> {
  const collation = parseExtendedJson(item.source.options).get('collation');
  const indexes = item.source.indexes
    .map(parseExtendedJson)
    .filter((index) => index.get('name') !== '_id_' && index.get('clustered') !== true)
    .filter((index) => which === 'all' || index.has('expireAfterSeconds') === (which === 'with expiry'))
    .map((index) => forCreation(index, collation !== undefined));
  if (indexes.length === 0) return;
  await confirmed(client.db(at.database).command({ createIndexes: at.collection, indexes, writeConcern }));
}

/** Throws what the server says instead of a confirmation: the driver hands it over like any other reply. */
async function confirmed(command: Promise<Document>): Promise<void> {
  const { writeConcernError } = await command;
  if (writeConcernError !== undefined) throw new MongoServerError(writeConcernError as ErrorDescription);
}

/** An index of a collection with a collation inherits it unless it says `simple`, which a server that lists it leaves out. */
export function forCreation(index: OrderedDocument, collated: boolean): OrderedDocument {
  const definition = new Map([...index].filter(([name]) => name !== 'ns'));
  if (collated && !definition.has('collation')) definition.set('collation', { locale: 'simple' });
  return definition;
}
