import { Timestamp, type MongoClient } from 'mongodb';
import { GuardError } from '../../errors/guard-error.ts';
import { fromMongoError } from '../../errors/mongo-errors.ts';
import { formatCount } from '../../log/format-count.ts';
import type { Log } from '../../log/log.ts';
import { startProgress, type Progress } from '../../log/progress.ts';
import { addDigests, sameDigest, subtractDigests, type Digest } from '../../mongo/digest.ts';
import { elementsOf, forEachDocument, rawDocument } from '../../mongo/raw-bson.ts';
import { readFrames } from '../frame-reader.ts';
import type { Manifest, ManifestCollection, ManifestOplog } from '../manifest.ts';
import { nameOf, type Namespace } from '../namespaces.ts';
import { clusterTimeText, currentClusterTime } from '../server-time.ts';
import type { DumpPlace } from '../stock/dump-errors.ts';
import { TransactionBuffer } from '../stock/oplog-transactions.ts';
import { OplogWriter } from '../stock/oplog-writer.ts';
import type { BackupStore } from '../store.ts';
import { timeOf } from './server-oplog.ts';
import { digestOfIds, Touched, type WriteOperation } from './touched.ts';

/** A collection that is loaded, and where its documents are now. */
export interface ReplayTarget {
  readonly database: string;
  readonly name: string;
  readonly at: Namespace;
}

export interface ReplayOptions {
  readonly client: MongoClient;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
}

/** Brings loaded collections to the point in time of their backup. */
export interface Replay {
  /**
   * Writes what the oplog says of these collections, and compares with what the server had then. Returns the digests that they have now,
   * in the same order. Throws `restore/digest-mismatch`, `dump/oplog-refused`, `backup/*` for a damaged oplog, `server/*`.
   */
  onto(targets: readonly ReplayTarget[], options: ReplayOptions): Promise<readonly Digest[]>;
}

/**
 * The replay that a backup needs; `undefined` when it shows a point in time without one. Only entries before `limit` are replayed. Throws
 * `restore/time-refused` when the backup cannot show it.
 */
export function replayOf(store: BackupStore, manifest: Manifest, limit?: Timestamp): Replay | undefined {
  const { oplog } = manifest;
  if (oplog === undefined) {
    if (limit === undefined) return undefined;
    throw new GuardError('restore/time-refused', `The backup ${manifest.id} holds no oplog: it shows one time only.`);
  }
  if (limit !== undefined) requireWithin(manifest.id, oplog, limit);
  return { onto: (targets, options) => replayOnto({ store, manifest, oplog, limit }, targets, options) };
}

function requireWithin(id: string, { dataUntil, to }: ManifestOplog, limit: Timestamp): void {
  const last = parseClusterTime(to);
  const afterLast = new Timestamp({ t: last.t, i: last.i + 1 });
  if (limit.greaterThan(parseClusterTime(dataUntil)) && limit.lessThanOrEqual(afterLast)) return;
  throw new GuardError(
    'restore/time-refused',
    `The backup ${id} can show times from ${dataUntil} to ${to}; the limit ${clusterTimeText(limit)} asks for another one.`,
  );
}

export function parseClusterTime(text: string): Timestamp {
  const [seconds = '0', increment = '0'] = text.split('.');
  return new Timestamp({ t: Number(seconds), i: Number(increment) });
}

interface Source {
  readonly store: BackupStore;
  readonly manifest: Manifest;
  readonly oplog: ManifestOplog;
  readonly limit: Timestamp | undefined;
  readonly progress?: Progress;
}

/** A target with what the manifest knows of it. */
interface Known extends ReplayTarget {
  readonly uuid: string;
  readonly collection: ManifestCollection;
}

async function replayOnto(source: Source, targets: readonly ReplayTarget[], options: ReplayOptions): Promise<readonly Digest[]> {
  const { client, log, signal } = options;
  const known = targets.map((target) => knownOf(source.manifest, target));
  const wanted = new Map(known.map((one) => [one.uuid, one]));
  const touched = new Touched();
  for await (const { operation } of operationsOf(source, signal)) if (wanted.has(operation.uuid ?? '')) touched.add(operation);
  const before = await countTouched(options, known, touched);
  const writer = new OplogWriter(client);
  let operations = 0;
  const progress = startProgress({ log, doing: 'Replaying the oplog', total: source.oplog.digest });
  for await (const { operation, place } of operationsOf({ ...source, progress }, signal)) {
    const target = wanted.get(operation.uuid ?? '');
    if (target === undefined) continue;
    operations++;
    await writer.write(movedTo(operation, nameOf(target.at)), place);
  }
  await writer.flush();
  log.info(`Replayed ${formatCount(operations)} operations of the oplog: ${progress.summary()}`);
  const after = await countTouched(options, known, touched);
  if (source.limit === undefined) for (const [index, one] of known.entries()) requireSame(one, after[index], log);
  return known.map(({ collection }, index) => now(collection.digest, before[index], after[index]));
}

function knownOf(manifest: Manifest, target: ReplayTarget): Known {
  const collection = manifest.collections.find(({ database, name }) => database === target.database && name === target.name);
  if (collection === undefined)
    throw new GuardError('backup/not-found', `The backup ${manifest.id} does not hold ${target.database}.${target.name}.`);
  return { ...target, collection, uuid: collection.uuid ?? '' };
}

/** The digest of the documents that the oplog writes to; `undefined` where it writes to none, or where too many were touched. */
async function countTouched(
  { client, signal }: ReplayOptions,
  known: readonly Known[],
  touched: Touched,
): Promise<readonly (Digest | undefined)[]> {
  const counted: (Digest | undefined)[] = [];
  try {
    const notBefore = await currentClusterTime(client);
    for (const { at, uuid } of known)
      counted.push(
        touched.has(uuid) && !touched.overflown
          ? await digestOfIds(client, { ...at, ids: touched.idsOf(uuid), notBefore, signal })
          : undefined,
      );
  } catch (error) {
    signal?.throwIfAborted();
    throw fromMongoError(error, 'Reading what the oplog writes to');
  }
  return counted;
}

function requireSame({ collection, at }: Known, found: Digest | undefined, log: Log): void {
  const { touched } = collection;
  if (touched === undefined || found === undefined) {
    if (found !== undefined) log.warning(`What the oplog writes to ${nameOf(at)} was not counted by the backup, so it is not compared.`);
    return;
  }
  if (sameDigest(touched, found)) return;
  const counts = `${found.documents} documents, ${found.bytes} bytes instead of ${touched.documents} and ${touched.bytes}`;
  throw new GuardError('restore/digest-mismatch', `After the oplog, ${nameOf(at)} is not what the server had: ${counts}.`);
}

function now(loaded: Digest, before: Digest | undefined, after: Digest | undefined): Digest {
  return before === undefined || after === undefined ? loaded : addDigests(subtractDigests(loaded, before), after);
}

/** What the oplog does to documents, transactions at their commit. */
async function* operationsOf(
  { store, manifest, oplog, limit, progress }: Source,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ readonly operation: WriteOperation; readonly place: DumpPlace }, void, undefined> {
  const transactions = new TransactionBuffer();
  const file = `${manifest.id}/${oplog.path}`;
  let start = 0;
  for await (const { bytes } of readFrames({ store, id: manifest.id, compression: manifest.compression, data: oplog, signal })) {
    const entries: { readonly entry: Buffer; readonly place: DumpPlace }[] = [];
    forEachDocument(bytes, (from, end) => entries.push({ entry: bytes.subarray(from, end), place: { file, offset: start + from } }));
    for (const { entry, place } of entries) {
      if (limit !== undefined && timeOf(entry).greaterThanOrEqual(limit)) return;
      for (const operation of transactions.operations(entry, place))
        if (operation.kind === 'insert' || operation.kind === 'update' || operation.kind === 'delete') yield { operation, place };
    }
    start += bytes.length;
    progress?.add(entries.length, bytes.length);
  }
}

function movedTo(operation: WriteOperation, namespace: string): WriteOperation {
  if (operation.kind !== 'update') return { ...operation, namespace };
  const text = Buffer.from(`${namespace}\0`);
  const length = Buffer.alloc(4);
  length.writeInt32LE(text.length);
  const value = Buffer.concat([length, text]);
  const members = [...elementsOf(operation.entry)].map((member) => (member.name === 'ns' ? { ...member, value } : member));
  return { ...operation, namespace, entry: rawDocument(members) };
}
