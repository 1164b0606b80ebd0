import type { Timestamp, MongoClient } from 'mongodb';
import { bucketsOf } from '../mongo/catalog.ts';
import { isOwnCollection } from '../mongo/own-collections.ts';

/** What the server wrote since a moment, from its oplog: by whatever client, and however. */
export interface Changes {
  /** Names of the collections of the copy whose documents may be others than before; an index that came or went leaves them alone. */
  readonly touched: ReadonlySet<string>;
  /** Bytes of oplog entries by collection; those of transactions stand under `transactions`. */
  readonly oplogBytes: ReadonlyMap<string, number>;
}

export interface ChangeTracker {
  /** What happened since the last call; `undefined` when the server cannot tell. */
  next(): Promise<Changes | undefined>;
}

export interface Tracked {
  readonly client: MongoClient;
  readonly database: string;
  /** Collections that do not count: the history, which changes by our own hand. */
  readonly without: readonly string[];
}

/**
 * Follows the oplog of the copy's server. A standalone server has none, the user may not be allowed to read it, and it may be too short:
 * then nothing is known, and everything has to be looked at.
 */
export async function trackChanges({ client, database, without }: Tracked): Promise<ChangeTracker> {
  let since = await newest(client);
  return {
    async next() {
      const from = since;
      since = await newest(client);
      if (from === undefined || since === undefined) return undefined;
      const oldest = await edge(client, 1);
      if (oldest === undefined || oldest.greaterThan(from)) return undefined;
      return summarize(await entriesBetween(client, from, since), { database, without });
    },
  };
}

export interface OplogGroup {
  readonly ns: string;
  readonly kind: string;
  /** Of a command: its own name. */
  readonly command?: string;
  /** Of a command: its collection, or the full name to which a collection was renamed. */
  readonly names: readonly string[];
  readonly bytes: number;
}

/** As the oplog has them. */
const indexCommands = new Set(['createIndexes', 'startIndexBuild', 'commitIndexBuild', 'abortIndexBuild', 'dropIndexes', 'deleteIndexes']);

/** Which collections of `database` the entries are about. Pure. */
export function summarize(groups: readonly OplogGroup[], { database, without }: Omit<Tracked, 'client'>): Changes {
  const touched = new Set<string>();
  const oplogBytes = new Map<string, number>();
  const prefix = `${database}.`;
  const add = (name: string, bytes: number): void => {
    const collection = name.startsWith(bucketsOf('')) ? name.slice(bucketsOf('').length) : name;
    if (isOwnCollection(collection) || without.includes(collection)) return;
    touched.add(collection);
    if (bytes > 0) oplogBytes.set(collection, (oplogBytes.get(collection) ?? 0) + bytes);
  };
  for (const { ns, kind, command = '', names, bytes } of groups) {
    if (ns.startsWith(prefix) && kind !== 'c') add(ns.slice(prefix.length), bytes);
    if (kind !== 'c' || indexCommands.has(command)) continue;
    for (const name of names) {
      if (name.startsWith(prefix)) add(name.slice(prefix.length), 0);
      else if (ns === `${database}.$cmd`) add(name, 0);
    }
    if (ns === 'admin.$cmd' && names.some((name) => name.startsWith(prefix)))
      oplogBytes.set('transactions', (oplogBytes.get('transactions') ?? 0) + bytes);
  }
  return { touched, oplogBytes };
}

async function entriesBetween(client: MongoClient, from: Timestamp, to: Timestamp): Promise<readonly OplogGroup[]> {
  const oplog = client.db('local').collection('oplog.rs');
  const between = { ts: { $gt: from, $lte: to } };
  const writes = await oplog
    .aggregate<{ readonly _id: string; readonly bytes: number }>([
      { $match: { ...between, op: { $in: ['i', 'u', 'd'] } } },
      { $group: { _id: '$ns', bytes: { $sum: { $bsonSize: '$$ROOT' } } } },
    ])
    .toArray();
  const commands = await oplog.aggregate([{ $match: { ...between, op: 'c' } }, { $project: commandParts }]).toArray();
  return [
    ...writes.map(({ _id: ns, bytes }) => ({ ns, kind: 'i', names: [], bytes })),
    ...commands.map(({ ns, bytes, command, first, to: renamedTo, applied }) => ({
      ns: String(ns),
      kind: 'c',
      command: String(command),
      names: [first, renamedTo, ...((applied as unknown[] | undefined) ?? [])].filter((name) => typeof name === 'string'),
      bytes: Number(bytes),
    })),
  ];
}

/** A command entry names its collection as the value of its first field; a transaction is a list of entries with their own. */
const firstField = (part: 'k' | 'v'): object => ({ $getField: { field: part, input: { $first: { $objectToArray: '$o' } } } });
const firstValue = firstField('v');
const commandParts = {
  ns: 1,
  bytes: { $bsonSize: '$$ROOT' },
  to: '$o.to',
  applied: '$o.applyOps.ns',
  command: firstField('k'),
  first: { $cond: [{ $eq: [{ $type: firstValue }, 'string'] }, firstValue, null] },
};

function newest(client: MongoClient): Promise<Timestamp | undefined> {
  return edge(client, -1);
}

async function edge(client: MongoClient, direction: 1 | -1): Promise<Timestamp | undefined> {
  try {
    const options = { sort: { $natural: direction }, projection: { ts: 1 }, readPreference: 'primary' } as const;
    const entry = await client.db('local').collection('oplog.rs').findOne({}, options);
    return (entry?.['ts'] as Timestamp | undefined) ?? undefined;
  } catch {
    return undefined;
  }
}
