import { Timestamp, type Document, type MongoClient } from 'mongodb';
import { fromMongoError } from '../errors/mongo-errors.ts';
import { journalCollection, type JournalEntry } from '../migration/journal.ts';
import { bucketsOf } from '../mongo/catalog.ts';
import { isOwnCollection, shadowPrefix } from '../mongo/own-collections.ts';

/** A change of what a collection is, not of its documents. */
export interface DefinitionChange {
  readonly kind: 'create' | 'drop' | 'rename' | 'change';
  readonly collection: string;
  /** New name of a renamed collection. */
  readonly to?: string;
  /** Index of the interval between two marks in which it happened; 0 lies before the first mark. */
  readonly interval: number;
}

/** A moment by which writes are told apart: an entry of our journal, or a restored collection that took its name. */
export type Mark =
  | { readonly kind: 'journal'; readonly entry: Pick<JournalEntry, 'file' | 'state' | 'effects' | 'rung'> }
  | { readonly kind: 'swap'; readonly collection: string };

/** How often a collection was written between two marks. */
export interface WriteCount {
  readonly collection: string;
  readonly interval: number;
  readonly writes: number;
}

/** What was written to a database after a cluster time, without our own collections; or why that cannot be told. */
export type WritesSince =
  | { readonly known: false; readonly why: string }
  | {
      readonly known: true;
      /** In the order of the oplog. */
      readonly marks: readonly Mark[];
      readonly counts: readonly WriteCount[];
      readonly definitions: readonly DefinitionChange[];
    };

export interface SinceOptions {
  readonly client: MongoClient;
  readonly database: string;
  /** `<seconds>.<increment>`; `undefined` on a standalone server, which has no oplog. */
  readonly clusterTime: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const notAuthorized = 13;

/**
 * Counts the writes since a cluster time from the oplog: the server counts, only numbers and names travel. Entries of our journal stand in
 * the same oplog, so that the time of a migration is known without trusting any clock. Throws the errors of `fromMongoError`.
 */
export async function readWritesSince({ client, database, clusterTime, signal }: SinceOptions): Promise<WritesSince> {
  if (clusterTime === undefined) return unknown('a standalone server keeps no oplog');
  const since = parseClusterTime(clusterTime);
  try {
    const hello = await client.db('admin').command({ hello: 1 });
    if (hello['msg'] === 'isdbgrid') return unknown('a sharded cluster shows its oplogs to nobody');
    const [oldest] = await client
      .db('local')
      .collection('oplog.rs')
      .find({}, { sort: { $natural: 1 }, limit: 1, projection: { ts: 1 } })
      .toArray();
    if (oldest === undefined || (oldest['ts'] as Timestamp).greaterThan(since))
      return unknown('the oplog does not reach back to it any more');
    const oplog = openOplog(client, database, { since, signal });
    const marks = await oplog.marks();
    const times = marks.map(({ time }) => time);
    return {
      known: true,
      marks: marks.map(({ mark }) => mark),
      counts: await oplog.counts(times),
      definitions: await oplog.definitions(times),
    };
  } catch (error) {
    signal?.throwIfAborted();
    if ((error as { code?: unknown }).code === notAuthorized) return unknown('the user may not read the oplog (local.oplog.rs)');
    throw fromMongoError(error, `Counting the writes to ${database} since the rollback point`);
  }
}

function unknown(why: string): WritesSince {
  return { known: false, why };
}

function parseClusterTime(text: string): Timestamp {
  const [t = 0, i = 0] = text.split('.').map(Number);
  return new Timestamp({ t, i });
}

interface Marked {
  readonly time: Timestamp;
  readonly mark: Mark;
}

interface Oplog {
  marks(): Promise<readonly Marked[]>;
  counts(times: readonly Timestamp[]): Promise<readonly WriteCount[]>;
  definitions(times: readonly Timestamp[]): Promise<readonly DefinitionChange[]>;
}

/** Questions to the oplog of the primary. */
function openOplog(
  client: MongoClient,
  database: string,
  { since, signal }: { readonly since: Timestamp; readonly signal: AbortSignal | undefined },
): Oplog {
  const later = { ts: { $gt: since } };
  const commands = `${database}.$cmd`;
  const ask = (pipeline: readonly Document[]): Promise<Document[]> =>
    client
      .db('local')
      .collection('oplog.rs', { readPreference: 'primary' })
      .aggregate([...pipeline], signal === undefined ? {} : { signal })
      .toArray();
  return {
    async marks() {
      const journal = await ask([
        { $match: { ...later, op: 'i', ns: `${database}.${journalCollection}` } },
        { $project: { ts: 1, 'o.file': 1, 'o.state': 1, 'o.effects': 1, 'o.rung': 1 } },
      ]);
      const swaps = await ask([
        { $match: { ...later, op: 'c', ns: commands, 'o.renameCollection': { $regex: `^${escaped(database)}\\.${shadowPrefix}` } } },
        { $project: { ts: 1, 'o.to': 1 } },
      ]);
      return [
        ...journal.map(({ ts, o }): Marked => ({ time: ts as Timestamp, mark: { kind: 'journal', entry: o as JournalEntry } })),
        ...swaps.map(({ ts, o }): Marked => {
          const { to } = o as { readonly to: string };
          return { time: ts as Timestamp, mark: { kind: 'swap', collection: to.slice(database.length + 1) } };
        }),
      ].sort((a, b) => a.time.compare(b.time));
    },
    async counts(times) {
      const found = await ask(countsPipeline(database, { match: later, interval: intervalOf('$ts', times) }));
      return found
        .map(({ _id, writes }): WriteCount => {
          const { ns, interval } = _id as { readonly ns: string; readonly interval: number };
          return { collection: shownName(ns.slice(database.length + 1)), interval, writes: Number(writes) };
        })
        .filter(({ collection }) => !collection.startsWith('system.') && !isOwnCollection(collection));
    },
    definitions: async (times) => {
      const found = await ask(definitionsPipeline(database, { match: later, interval: intervalOf('$ts', times) }));
      return found.flatMap((entry) => definitionOf(entry, database)).filter(({ collection }) => !isOwnCollection(collection));
    },
  };
}

function countsPipeline(database: string, { match, interval }: { readonly match: Document; readonly interval: Document }): Document[] {
  const inDatabase = { $regex: `^${escaped(database)}\\.` };
  const writing = { $in: ['i', 'u', 'd'] };
  return [
    {
      $match: {
        ...match,
        $or: [
          { ns: inDatabase, op: writing },
          { op: 'c', 'o.applyOps': { $exists: true } },
        ],
      },
    },
    // A transaction is one entry that holds its writes.
    { $project: { ts: 1, write: { $ifNull: ['$o.applyOps', [{ op: '$op', ns: '$ns' }]] } } },
    { $unwind: '$write' },
    { $match: { 'write.ns': inDatabase, 'write.op': writing } },
    { $group: { _id: { ns: '$write.ns', interval }, writes: { $sum: 1 } } },
  ];
}

function definitionsPipeline(database: string, { match, interval }: { readonly match: Document; readonly interval: Document }): Document[] {
  const views = `${database}.system.views`;
  return [
    { $match: { ...match, $or: [{ op: 'c', ns: `${database}.$cmd`, 'o.applyOps': { $exists: false } }, { ns: views }] } },
    { $project: { op: 1, ns: 1, o: 1, o2: 1, interval } },
  ];
}

/** How many of `times` lie before the time of an entry. */
function intervalOf(field: string, times: readonly Timestamp[]): Document {
  if (times.length === 0) return { $literal: 0 };
  return { $size: { $filter: { input: { $literal: times }, as: 'mark', cond: { $lt: ['$$mark', field] } } } };
}

function definitionOf({ ns, op, o, o2, interval: at }: Document, database: string): DefinitionChange[] {
  const interval = Number(at);
  const command = (o ?? {}) as Readonly<Record<string, unknown>>;
  if (ns === `${database}.system.views`) {
    const id = String((o2 as { readonly _id?: unknown } | undefined)?._id ?? command['_id']);
    const kind = op === 'i' ? 'create' : op === 'd' ? 'drop' : 'change';
    return [{ kind, collection: id.slice(database.length + 1), interval }];
  }
  const [name = '', target] = Object.entries(command)[0] ?? [];
  if (typeof target !== 'string') return [];
  if (name === 'renameCollection') {
    const to = String(command['to']);
    if (!to.startsWith(`${database}.`)) return [{ kind: 'drop', collection: target.slice(database.length + 1), interval }];
    return [{ kind: 'rename', collection: target.slice(database.length + 1), to: to.slice(database.length + 1), interval }];
  }
  // Pre-images are switched by us, before a migration and after it.
  if (name === 'collMod' && 'changeStreamPreAndPostImages' in command) return [];
  return [{ kind: name === 'create' || name === 'drop' ? name : 'change', collection: shownName(target), interval }];
}

/** Documents of a time series lie in its buckets. */
function shownName(collection: string): string {
  const prefix = bucketsOf('');
  return collection.startsWith(prefix) ? collection.slice(prefix.length) : collection;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
