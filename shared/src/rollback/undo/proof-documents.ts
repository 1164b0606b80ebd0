import { setTimeout as sleep } from 'node:timers/promises';
import type { MongoClient, Timestamp } from 'mongodb';
import { GuardError } from '../../errors/guard-error.ts';
import { fromMongoError } from '../../errors/mongo-errors.ts';
import { bucketsOf, type CatalogEntry } from '../../mongo/catalog.ts';
import { digestCollection, type CollectionCensus } from '../../mongo/census.ts';
import { addDigests, createDigester, subtractDigests, type Digest } from '../../mongo/digest.ts';
import { forEachInArray } from '../../mongo/raw-bson.ts';
import type { OlderStates } from './assess-documents.ts';
import { keyIn } from './event.ts';
import { sumOf, totalOf, type DocumentHistory, type DocumentSum } from './history.ts';
import { readByKey, type KeyedRead } from './read-by-key.ts';
import { isCapped } from './standing-catalog.ts';
import { timestampOf, type Observed } from './observed.ts';
import { unknownState } from './touch.ts';

export interface ComparingDocuments {
  readonly client: MongoClient;
  readonly database: string;
  readonly entry: CatalogEntry;
  readonly atPoint: CollectionCensus;
  /** Of the collection at the point and now. */
  readonly uuids: readonly string[];
  /** Whether every document is read; else those that were written since the point, where all their earlier states are known. */
  readonly whole: boolean;
  readonly observed: Observed;
  readonly older: OlderStates;
  readonly signal: AbortSignal;
}

export interface ComparedDocuments {
  /** What the collection has to be: as at the point, but for the documents that others wrote. */
  readonly wanted: Digest;
  readonly found: Digest;
  /** Documents that others wrote and of which nobody kept the earlier state: they are counted, their contents are not compared. */
  readonly notCompared: number;
  /** Whether every document was read. */
  readonly whole: boolean;
  /** Number of documents that were read. */
  readonly read: number;
}

/** How often a cluster time is chosen at which the server can read. */
const mostAttempts = 20;

/**
 * Compares the documents of a collection with the point, at the cluster time up to which the changes are known, so writes that go on do no harm. Digests
 * are sums: what is wanted is that of the point, in which each document that others wrote is exchanged for what it is now. What is found is the
 * sum of every document; or what is wanted, in which each document that only migrations wrote is exchanged for what it is now. Throws
 * `rollback/undo-incomplete` and as `fromMongoError`.
 */
export async function compareDocuments(comparing: ComparingDocuments): Promise<ComparedDocuments> {
  const { entry, observed, signal } = comparing;
  // A capped collection cannot be read as it was.
  if (isCapped(entry)) return compareAt({ ...comparing, whole: true }, undefined);
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      const compared = await compareAt(comparing, timestampOf(observed.reached));
      if (compared.whole || (await countAgrees(comparing, compared))) return compared;
      return await compareAt({ ...comparing, whole: true }, timestampOf(observed.reached));
    } catch (error) {
      const unavailable = error instanceof GuardError && error.code === 'server/snapshot-unavailable';
      if (!unavailable || attempt === mostAttempts) throw error;
      if (attempt > 1) await sleep(250, undefined, { signal });
      await observed.refresh();
    }
  }
}

/** A document that others wrote since the point. */
interface Exchange {
  readonly before: DocumentSum | 'none' | 'unknown';
  readonly after: DocumentSum | undefined;
}

/** Without `at` the documents are read as they are now. */
async function compareAt(comparing: ComparingDocuments, at: Timestamp | undefined): Promise<ComparedDocuments> {
  const { client, database, entry, atPoint, observed, signal } = comparing;
  if (atPoint.digest === undefined)
    throw new GuardError('rollback/undo-incomplete', `The rollback point holds no digest of ${database}.${entry.name}.`);
  const written = writtenDocuments(comparing);
  const { true: byOthers = [], false: byMigrations = [] } = Object.groupBy(written, (history) =>
    observed.histories.writtenByOthers(history, observed.author) ? 'true' : 'false',
  );
  const whole = comparing.whole || written.some(({ atPoint: state }) => state === 'unknown');
  const readOf = (histories: readonly DocumentHistory[]): KeyedRead => {
    return { client, database, collection: entry.name, keys: histories.map(({ key }) => key), at, signal };
  };
  const now = await sumsNow(readOf(byOthers));
  const kept = byOthers.map((history): Exchange => {
    return { before: stateAtPoint(history, comparing), after: now.get(history.key.toString('latin1')) };
  });
  const wanted = exchanged(atPoint.digest, kept);
  const collection = entry.type === 'timeseries' ? bucketsOf(entry.name) : entry.name;
  const found = whole
    ? await digestCollection(client, { database, collection, signal, atClusterTime: at })
    : addDigests(subtractDigests(wanted, observed.histories.digestAtPoint(byMigrations)), await digestNow(readOf(byMigrations)));
  const notCompared = kept.filter(({ before }) => before === 'unknown').length;
  return {
    wanted: notCompared === 0 ? wanted : { ...found, documents: wanted.documents },
    found,
    notCompared,
    whole,
    read: whole ? found.documents : written.length,
  };
}

/** Whether the server's own count, which no change stream tells, is the same; while others write to the collection nobody can tell. */
async function countAgrees(
  { client, database, entry, observed, uuids }: ComparingDocuments,
  { found }: ComparedDocuments,
): Promise<boolean> {
  const counted = await client
    .db(database)
    .collection(entry.name)
    .estimatedDocumentCount()
    .catch((error: unknown) => {
      throw fromMongoError(error, `Counting ${database}.${entry.name}`);
    });
  if (counted === found.documents) return true;
  const compared = observed.reached;
  await observed.refresh();
  return uuids.some((uuid) => (observed.histories.lastWrite(uuid) ?? 0n) > compared);
}

/** Every document that was written since the point, once. */
function writtenDocuments({ observed, uuids }: ComparingDocuments): readonly DocumentHistory[] {
  const [only = [], ...more] = [...new Set(uuids)].map((uuid) => [...observed.histories.of(uuid)]).filter(({ length }) => length > 0);
  if (more.length === 0) return only;
  const written = new Map<string, DocumentHistory>();
  for (const history of [only, ...more].flat()) {
    const id = history.key.toString('latin1');
    if (!written.has(id)) written.set(id, history);
  }
  return [...written.values()];
}

function stateAtPoint(history: DocumentHistory, { observed, older }: ComparingDocuments): Exchange['before'] {
  const known = observed.histories.sumAtPoint(history);
  if (known !== 'unknown') return known;
  const held = older(history);
  if (held === unknownState) return 'unknown';
  return held === undefined ? 'none' : sumOf(held);
}

function exchanged(digest: Digest, exchanges: readonly Exchange[]): Digest {
  const before = exchanges.flatMap(({ before: sum }) => (sum === 'none' ? [] : sum === 'unknown' ? [{ sum: 0n, bytes: 0 }] : [sum]));
  return subtractDigests(addDigests(digest, totalOf(exchanges.flatMap(({ after }) => after ?? []))), totalOf(before));
}

/** What these documents are at a cluster time, by their keys; those that are not there are left out. */
async function sumsNow(read: KeyedRead): Promise<ReadonlyMap<string, DocumentSum>> {
  const sums = new Map<string, DocumentSum>();
  await readByKey(read, (batch) =>
    forEachInArray(batch, (start, end) => {
      const document = batch.subarray(start, end);
      const key = keyIn(document)?.toString('latin1');
      if (key !== undefined) sums.set(key, sumOf(document));
    }),
  );
  return sums;
}

/** All that these documents are together at a cluster time. */
async function digestNow(read: KeyedRead): Promise<Digest> {
  const digester = createDigester();
  await readByKey(read, (batch) => digester.addArray(batch));
  return digester.digest();
}
