import type { MongoClient } from 'mongodb';
import { compareCensus, type CensusDifference } from '../../checks/compare-census.ts';
import type { Log } from '../../log/log.ts';
import type { CatalogEntry } from '../../mongo/catalog.ts';
import type { CollectionCensus } from '../../mongo/census.ts';
import { sameDigest } from '../../mongo/digest.ts';
import type { RollbackPoint } from '../point.ts';
import type { OlderStates } from './assess-documents.ts';
import { planDefinitions } from './definitions.ts';
import { withoutPreImages } from './plan-options.ts';
import type { Observed } from './observed.ts';
import { compareDocuments, type ComparedDocuments } from './proof-documents.ts';
import { chooseWhole, type ReadLimit } from './read-whole.ts';
import { isCapped, standingCatalog } from './standing-catalog.ts';

export interface ProveUndoOptions {
  readonly client: MongoClient;
  readonly point: RollbackPoint;
  readonly observed: Observed;
  readonly switchedOn: ReadonlySet<string>;
  readonly older: OlderStates;
  readonly readWhole: ReadLimit;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface UndoProof {
  readonly differences: readonly CensusDifference[];
  /** Documents that others wrote and of which nobody kept the earlier state: they are counted, but their contents cannot be compared. */
  readonly notCompared: number;
  /** How each collection was compared. */
  readonly collections: readonly ProvenCollection[];
}

export interface ProvenCollection {
  readonly collection: string;
  readonly documents: number;
  /** Number of documents that were read: all, or those that were written since the point. */
  readonly read: number;
}

/**
 * Compares every collection, its definition and its documents, with the point and what others wrote since, also while they go on. Large collections are
 * compared by the documents that were written since. Throws `rollback/undo-incomplete` and as `fromMongoError`.
 */
export async function proveUndo(options: ProveUndoOptions): Promise<UndoProof> {
  const { client, point, observed, switchedOn, signal } = options;
  await observed.refresh();
  const catalog = await standingCatalog(client, point, signal);
  const { expected, successors } = planDefinitions({ point: point.census, now: catalog, events: observed.definitions, switchedOn });
  const whole = chooseWhole(point.census.collections, options.readWhole);
  const wanted: CollectionCensus[] = [];
  const found = new Map(catalog.map((entry): [string, CollectionCensus] => [entry.name, { ...plain(entry, switchedOn), documents: 0 }]));
  const proven: Proven[] = [];
  for (const collection of expected.collections) {
    const entry = catalog.find(({ name, type }) => name === collection.name && type === collection.type);
    const atPoint = point.census.collections.find(({ uuid, name, type }) =>
      collection.type === 'collection' ? uuid === collection.uuid : name === collection.name && type === collection.type,
    );
    if (entry === undefined || atPoint === undefined || collection.type === 'view') {
      wanted.push(collection);
      continue;
    }
    const compared = await proveDocuments(options, {
      entry,
      atPoint,
      successor: successors.get(collection.uuid ?? ''),
      whole: whole.has(atPoint.name),
    });
    proven.push(compared);
    wanted.push({ ...collection, documents: compared.wanted.documents, digest: compared.wanted });
    found.set(entry.name, { ...plain(entry, switchedOn), documents: compared.documents, digest: compared.found });
  }
  return {
    differences: compareCensus({ ...expected, collections: wanted }, { ...expected, collections: [...found.values()] }),
    notCompared: proven.reduce((sum, { notCompared }) => sum + notCompared, 0),
    collections: proven.map(({ collection, documents, read }) => ({ collection, documents, read })),
  };
}

interface Proving {
  readonly entry: CatalogEntry;
  readonly atPoint: CollectionCensus;
  /** UUID of the collection that a restore has put in its place. */
  readonly successor: string | undefined;
  readonly whole: boolean;
}

type Proven = ProvenCollection & ComparedDocuments;

async function proveDocuments(options: ProveUndoOptions, { entry, atPoint, successor, whole }: Proving): Promise<Proven> {
  const { point, observed, log } = options;
  const untold = entry.type === 'timeseries' || isCapped(entry);
  const compared = await compareDocuments({
    ...options,
    database: point.database,
    entry,
    atPoint,
    uuids: [atPoint.uuid ?? '', ...(successor === undefined ? [] : [successor])],
    whole: whole || successor !== undefined || untold,
  });
  const { documents } = compared.found;
  const read = compared.whole ? `all ${documents} documents` : `the ${compared.read} of ${documents} documents that were written since`;
  log.info(`Compared ${point.database}.${entry.name} with the rollback point: ${read}`);
  const proven = { ...compared, collection: entry.name, documents };
  if (!untold || observed.record.windows.length > 0 || sameDigest(compared.wanted, compared.found)) return proven;
  // No migration wrote there, by their complete record; and which documents others wrote is not, or not in time, told.
  log.warning(`Others wrote to ${entry.name}, whose writes are not told one by one: it is left as it is, its contents are not compared.`);
  return { ...proven, wanted: compared.found };
}

function plain({ indexes, options, ...entry }: CatalogEntry, switchedOn: ReadonlySet<string>): Omit<CollectionCensus, 'documents'> {
  return { ...entry, options: withoutPreImages(options, switchedOn.has(entry.uuid ?? '')), indexes: [...indexes].sort() };
}
