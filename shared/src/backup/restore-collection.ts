import { createHash } from 'node:crypto';
import type { MongoClient, Timestamp, WriteConcernSettings } from 'mongodb';
import { GuardError } from '../errors/guard-error.ts';
import { fromMongoError } from '../errors/mongo-errors.ts';
import type { Log } from '../log/log.ts';
import type { Progress } from '../log/progress.ts';
import { bucketsOf, type ListedEntry } from '../mongo/catalog.ts';
import { digestCollection } from '../mongo/census.ts';
import { sameDigest } from '../mongo/digest.ts';
import { parseExtendedJson, type OrderedDocument } from '../mongo/extended-json.ts';
import { shadowPrefix } from '../mongo/own-collections.ts';
import type { RawInserter } from '../mongo/raw-write.ts';
import type { Budget } from './budget.ts';
import { putBackEmptyTimestamps } from './empty-timestamps.ts';
import { insertDocuments } from './insert-documents.ts';
import { nameOf, type Namespace } from './namespaces.ts';
import { createIndexes } from './restore-indexes.ts';
import type { RestoreSource, SourceCollection } from './restore-source.ts';
import { currentClusterTime } from './server-time.ts';
import { byMajority, byPrimary, confirmed } from './write-concern.ts';

/**
 * Bytes of BSON up to which a collection is small: it gets its indexes while it is empty, which takes no build, and is proven after all have
 * been loaded, when nothing has to be waited for any more.
 */
const smallBytes = 2 ** 20;

/** One collection of a backup on its way to its new name. */
export interface RestoreItem {
  readonly source: SourceCollection;
  readonly to: Namespace;
  /** What stands at the new name now. */
  readonly existing: ListedEntry | undefined;
  /** Whether a killed restore left something under the shadow name. */
  readonly leftover: boolean;
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

/** A collection that is loaded and waits for its name. */
export interface LoadedCollection {
  readonly item: RestoreItem;
  /** Where the documents are now; `undefined` for views and time series, which cannot be renamed. */
  readonly shadow: Namespace | undefined;
  /** The shadow, or the buckets of it; `undefined` for views. */
  readonly documentsAt: Namespace | undefined;
  /** Reads it back, unless that was done already. Throws `restore/digest-mismatch` unless it is what the source says. */
  readonly prove: () => Promise<void>;
  /** Removes what was loaded, unless it has its name already. */
  readonly discard: () => Promise<void>;
}

/**
 * Loads one collection under its shadow name. A large one is proven while its indexes are built, as long as the server has it in memory; a small
 * one waits for `prove`. Time series and views have no way to be renamed: a time series is loaded and proven under the shadow name too, to be
 * loaded once more when it takes its name.
 */
export async function loadCollection(options: LoadOptions, item: RestoreItem): Promise<LoadedCollection> {
  const { client, from, log, signal } = options;
  const { source, to } = item;
  const nothing = async (): Promise<void> => undefined;
  if (source.type === 'view') return { item, shadow: undefined, documentsAt: undefined, prove: nothing, discard: nothing };
  const shadow = shadowOf(to);
  const discard = async (): Promise<void> => {
    await drop(client, shadow).catch(() => log.warning(`Could not drop ${nameOf(shadow)}.`));
  };
  const hasIndexes = source.type === 'collection' && from.replay === undefined;
  const small = source.digest.bytes <= smallBytes;
  try {
    if (item.leftover) await drop(client, shadow);
    const filled = await fill(options, item, { at: shadow, indexed: hasIndexes && small });
    const loaded = { item, shadow, documentsAt: filled.at, discard };
    if (small) return { ...loaded, prove: () => prove(options, item, filled) };
    // Both only read the documents. Whatever fails, the other has ended before the shadow is dropped.
    const building = hasIndexes
      ? createIndexes(client, { source, at: shadow, which: 'without expiry', writeConcern: byMajority })
      : undefined;
    const [proof, build] = await Promise.allSettled([prove(options, item, filled), building]);
    for (const part of [proof, build]) if (part.status === 'rejected') throw part.reason;
    return { ...loaded, prove: nothing };
  } catch (error) {
    await discard();
    signal?.throwIfAborted();
    throw fromMongoError(error, `Restoring ${nameOf(to)}`);
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
      await confirmed(client.db('admin').command({ ...target, writeConcern: byMajority }));
    } else {
      if (existing !== undefined) await drop(client, to);
      if (source.type === 'timeseries') await loadAgain(options, item);
      else await create(client, { at: to, definition: parseExtendedJson(source.options), writeConcern: byMajority });
      if (shadow !== undefined) await drop(client, shadow);
    }
    const which = source.type === 'collection' ? 'with expiry' : 'all';
    await createIndexes(client, { source, at: to, which, writeConcern: byMajority });
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
    await createIndexes(client, { source: item.source, at: shadow, which: 'without expiry', writeConcern: byMajority });
  } catch (error) {
    throw fromMongoError(error, `Building the indexes of ${nameOf(item.to)}`);
  }
}

/** A time series under its own name, as it was loaded and proven under the other one. */
async function loadAgain(options: LoadOptions, item: RestoreItem): Promise<void> {
  const { from } = options;
  const filled = await fill(options, item, { at: item.to, indexed: false });
  await prove(options, item, filled);
  await from.replay?.onto([{ database: item.source.database, name: item.source.name, at: filled.at }], options);
}

/** Always the same for the same target, so that the next run clears away what a killed one left behind. */
export function shadowOf(to: Namespace): Namespace {
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

interface Filling {
  readonly at: Namespace;
  /** Whether its indexes are there before its documents. */
  readonly indexed: boolean;
}

/** Creates the collection at `at` and inserts its documents. */
async function fill(options: LoadOptions, { source }: RestoreItem, { at, indexed }: Filling): Promise<Filled> {
  const { client } = options;
  const whole = parseExtendedJson(source.options);
  const idIndex = source.indexes.map(parseExtendedJson).find((index) => index.get('name') === '_id_');
  const givesIdIndex = source.type === 'collection' && idIndex !== undefined && !whole.has('clusteredIndex');
  const definition: OrderedDocument = new Map([...withoutExpiry(whole), ...(givesIdIndex ? ([['idIndex', idIndex]] as const) : [])]);
  let notBefore = await create(client, { at, definition, writeConcern: byPrimary });
  if (indexed) notBefore = (await createIndexes(client, { source, at, which: 'without expiry', writeConcern: byPrimary })) ?? notBefore;
  const documentsAt = source.type === 'timeseries' ? { ...at, collection: bucketsOf(at.collection) } : at;
  return { at: documentsAt, notBefore: (await insertDocuments(options, source, documentsAt)) ?? notBefore };
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

interface Creation {
  readonly at: Namespace;
  readonly definition: OrderedDocument;
  readonly writeConcern: WriteConcernSettings;
}

/** Creates a collection and returns the server's time after it. */
async function create(client: MongoClient, { at, definition, writeConcern }: Creation): Promise<Timestamp | undefined> {
  // Names of options are never integer-like, what is inside of them may be: only the outer level is an object.
  const command = { create: at.collection, ...Object.fromEntries(definition), writeConcern };
  return (await confirmed(client.db(at.database).command(command)))['operationTime'] as Timestamp | undefined;
}

/** The options without the one by which a clustered collection or a time series forgets documents: it comes back last. */
function withoutExpiry(definition: OrderedDocument): OrderedDocument {
  return new Map([...definition].filter(([name]) => name !== 'expireAfterSeconds'));
}

async function startExpiry(client: MongoClient, { database, collection }: Namespace, definition: OrderedDocument): Promise<void> {
  const expireAfterSeconds = definition.get('expireAfterSeconds');
  if (expireAfterSeconds !== undefined) await client.db(database).command({ collMod: collection, expireAfterSeconds });
}
