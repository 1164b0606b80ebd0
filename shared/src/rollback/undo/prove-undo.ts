import { BSON, type Document, type MongoClient, type Timestamp } from 'mongodb';
import { setTimeout as sleep } from 'node:timers/promises';
import { compareCensus, type CensusDifference } from '../../checks/compare-census.ts';
import { GuardError } from '../../errors/guard-error.ts';
import { fromMongoError } from '../../errors/mongo-errors.ts';
import type { Log } from '../../log/log.ts';
import { bucketsOf, type CatalogEntry } from '../../mongo/catalog.ts';
import { digestCollection, type CollectionCensus } from '../../mongo/census.ts';
import type { Digest } from '../../mongo/digest.ts';
import { forEachInArray, rawDocument } from '../../mongo/raw-bson.ts';
import { readRaw } from '../../mongo/raw-read.ts';
import type { RollbackPoint } from '../point.ts';
import { planDefinitions, withoutPreImages } from './definitions.ts';
import { keyIn } from './event.ts';
import { sumOf, type DocumentHistory, type DocumentSum } from './history.ts';
import { timestampOf, type Observed } from './observed.ts';
import type { OlderStates } from './assess-documents.ts';
import { unknownState } from './touch.ts';
import { standingCatalog } from './standing-catalog.ts';

export interface ProveUndoOptions {
  readonly client: MongoClient;
  readonly point: RollbackPoint;
  readonly observed: Observed;
  readonly switchedOn: ReadonlySet<string>;
  readonly older: OlderStates;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface UndoProof {
  readonly differences: readonly CensusDifference[];
  /** Documents that others wrote and of which nobody kept the earlier state: they are counted, but their contents cannot be compared. */
  readonly notCompared: number;
}

const modulus = 2n ** 128n;
/** How often a cluster time is chosen at which the server can read. */
const mostAttempts = 20;

/**
 * Compares every collection, read at one cluster time, with the point: digests are corrected by each document that others wrote, as it was
 * at the point and as it is at that time, so writes that go on do no harm. Throws as `fromMongoError`.
 */
export async function proveUndo(options: ProveUndoOptions): Promise<UndoProof> {
  const { client, point, observed, switchedOn, signal } = options;
  await observed.refresh();
  const catalog = await standingCatalog(client, point, signal);
  const { expected, successors } = planDefinitions({ point: point.census, now: catalog, events: observed.definitions, switchedOn });
  const found: CollectionCensus[] = [];
  const wanted: CollectionCensus[] = [];
  let notCompared = 0;
  for (const collection of expected.collections) {
    const entry = catalog.find(({ name, type }) => name === collection.name && type === collection.type);
    const atPoint = point.census.collections.find(({ uuid, name, type }) =>
      collection.type === 'collection' ? uuid === collection.uuid : name === collection.name && type === collection.type,
    );
    if (entry === undefined || atPoint === undefined || collection.type === 'view') {
      wanted.push(collection);
      continue;
    }
    const uuid = successors.get(collection.uuid ?? '') ?? collection.uuid ?? '';
    const compared = await compareDocuments({ ...options, entry, atPoint, uuids: [collection.uuid ?? '', uuid] });
    notCompared += compared.notCompared;
    wanted.push({ ...collection, documents: compared.wanted.documents, digest: compared.wanted });
    found.push({ ...plain(entry, switchedOn), documents: compared.found.documents, digest: compared.found });
  }
  for (const entry of catalog)
    if (!found.some(({ name }) => name === entry.name)) found.push({ ...plain(entry, switchedOn), documents: 0 });
  return { differences: compareCensus({ ...expected, collections: wanted }, { ...expected, collections: found }), notCompared };
}

function plain({ indexes, options, ...entry }: CatalogEntry, switchedOn: ReadonlySet<string>): Omit<CollectionCensus, 'documents'> {
  return { ...entry, options: withoutPreImages(options, switchedOn.has(entry.uuid ?? '')), indexes: [...indexes].sort() };
}

interface Comparing extends ProveUndoOptions {
  readonly entry: CatalogEntry;
  readonly atPoint: CollectionCensus;
  /** Of the collection at the point and now. */
  readonly uuids: readonly string[];
}

interface Compared {
  readonly wanted: Digest;
  readonly found: Digest;
  readonly notCompared: number;
}

async function compareDocuments(comparing: Comparing): Promise<Compared> {
  const { entry, client, point, observed, signal, log } = comparing;
  const collection = entry.type === 'timeseries' ? bucketsOf(entry.name) : entry.name;
  log.debug(`Proving ${point.database}.${entry.name}`);
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    await observed.refresh();
    const atClusterTime = timestampOf(observed.reached);
    try {
      const found = await digestCollection(client, { database: point.database, collection, signal, atClusterTime });
      return await corrected(comparing, { found, at: atClusterTime });
    } catch (error) {
      if (!(error instanceof GuardError) || attempt === mostAttempts) throw error;
      // A capped collection cannot be read as it was.
      if (error.code === 'server/failed')
        return corrected(comparing, {
          found: await digestCollection(client, { database: point.database, collection, signal }),
          at: undefined,
        });
      if (error.code !== 'server/snapshot-unavailable') throw error;
      await sleep(250, undefined, { signal });
    }
  }
}

interface FoundAt {
  readonly found: Digest;
  /** Absent: as it is now. */
  readonly at: Timestamp | undefined;
}

async function corrected(comparing: Comparing, { found, at }: FoundAt): Promise<Compared> {
  const { atPoint, observed, uuids } = comparing;
  const digest = atPoint.digest ?? found;
  let { documents, bytes } = digest;
  let sum = BigInt(`0x${digest.sum}`);
  let notCompared = 0;
  const histories = [...new Set(uuids)].flatMap((uuid) => [...observed.histories.of(uuid)]);
  const written = new Map<string, DocumentHistory>();
  for (const history of histories.filter((each) => observed.histories.writtenByOthers(each, observed.author))) {
    const id = history.key.toString('latin1');
    if (!written.has(id)) written.set(id, history);
  }
  const now = await sumsNow(comparing, [...written.values()], at);
  for (const [id, history] of written) {
    const before = stateAtPoint(history, comparing);
    const after = now.get(id);
    documents += (after === undefined ? 0 : 1) - (before === 'none' ? 0 : 1);
    if (before === 'unknown') notCompared += 1;
    sum += (after?.sum ?? 0n) - (typeof before === 'string' ? 0n : before.sum);
    bytes += (after?.bytes ?? 0) - (typeof before === 'string' ? 0 : before.bytes);
  }
  const text = (((sum % modulus) + modulus) % modulus).toString(16).padStart(32, '0');
  const wanted = notCompared === 0 ? { documents, bytes, sum: text } : { ...found, documents };
  return { wanted, found, notCompared };
}

function stateAtPoint(history: DocumentHistory, { observed, older }: Comparing): DocumentSum | 'none' | 'unknown' {
  const known = observed.histories.sumAtPoint(history);
  if (known !== 'unknown') return known;
  const held = older(history);
  if (held === unknownState) return 'unknown';
  return held === undefined ? 'none' : sumOf(held);
}

/** Documents that are asked for at once. */
const asked = 1_000;

/** What these documents are at a cluster time, by their keys; those that are not there are left out. */
async function sumsNow(
  { client, point, entry }: Comparing,
  histories: readonly DocumentHistory[],
  at: Timestamp | undefined,
): Promise<ReadonlyMap<string, DocumentSum>> {
  const sums = new Map<string, DocumentSum>();
  const snapshot = at === undefined ? {} : { readConcern: { level: 'snapshot', atClusterTime: at } };
  for (let from = 0; from < histories.length; from += asked) {
    const part = histories.slice(from, from + asked);
    const ids = part.map(({ key }) => idOf(key));
    const command = {
      find: entry.name,
      filter: { _id: { $in: ids } },
      batchSize: asked,
      ...snapshot,
    };
    try {
      for await (const batch of readRaw({ client, database: point.database, collection: entry.name, command })) {
        forEachInArray(batch, (start, end) => {
          const document = batch.subarray(start, end);
          const key = keyIn(document)?.toString('latin1');
          if (key !== undefined) sums.set(key, sumOf(document));
        });
      }
    } catch (error) {
      throw fromMongoError(error, `Reading ${point.database}.${entry.name}`);
    }
  }
  return sums;
}

/** The value as the driver sends it back unchanged. */
function idOf(key: Buffer): unknown {
  const document = rawDocument([{ type: key[0] ?? 0, name: '_id', value: key.subarray(1) }]);
  const read: Document = BSON.deserialize(document, { promoteValues: false, bsonRegExp: true });
  return read['_id'] as unknown;
}
