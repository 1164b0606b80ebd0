import type { MongoClient } from 'mongodb';
import { fromMongoError, serverCode } from '../errors/mongo-errors.ts';
import { bucketsOf } from '../mongo/catalog.ts';
import { ChangedUnderneath } from './changed.ts';
import { readableAtTime } from './consistency.ts';
import { writeDocumentFile } from './document-file.ts';
import type { ManifestCollection, ManifestOplog } from './manifest.ts';
import { OplogCapture, type Captured } from './oplog/capture.ts';
import { digestOfIds } from './oplog/touched.ts';
import { firstChanged, isMeant, type Selection } from './plan.ts';
import type { PlannedCollection } from './planned-collection.ts';
import { readAll, type Reading } from './read-all.ts';
import { clusterTimeText, currentClusterTime } from './server-time.ts';
import { settle } from './settle.ts';
import { steadily } from './steadily.ts';

export interface OplogTaking {
  readonly reading: Reading;
  readonly planned: readonly PlannedCollection[];
  readonly databases: readonly string[];
  readonly selection: Selection;
  /** Asks the server again for the collections that are meant. */
  readonly catalog: () => Promise<readonly PlannedCollection[]>;
}

export interface TakenWithOplog {
  readonly collections: readonly ManifestCollection[];
  readonly oplog: ManifestOplog;
}

/** How often the definitions may change between two looks. */
const rounds = 5;
/** SnapshotTooOld, SnapshotUnavailable. */
const goneSnapshot = new Set([239, 246]);

/** Where the oplog lies in the layout of mongodump, which gives a compressed one the name of a plain one. */
const paths = { dump: 'dump/oplog', frames: 'frames/oplog.json', expectedBytes: 0 };

/**
 * Reads the documents as they come and the oplog beside them, from before the first document to after the last one: replayed onto the
 * documents, it brings them to its end. Throws `backup/oplog-rolled-over`, `ChangedUnderneath` when a collection was renamed or the
 * definitions do not come to rest, and what reading and the store throw.
 */
export async function takeWithOplog(taking: OplogTaking): Promise<TakenWithOplog> {
  const { databases, selection } = taking;
  const { dump, log } = taking.reading;
  const stop = new AbortController();
  const signal = dump.signal === undefined ? stop.signal : AbortSignal.any([dump.signal, stop.signal]);
  const chosen = new Set(databases);
  const capture = await OplogCapture.start({
    client: dump.client,
    databases,
    wanted: (namespace) => chosen.has(namespace.database) && isMeant(selection, namespace),
    log,
    signal,
  });
  const extension = dump.compression === 'gzip' ? { extension: '.bson' } : {};
  const writing = writeDocumentFile(dump, { ...paths, ...extension }, (frames) => capture.run(frames));
  // Whatever stops the oplog stops the reading of the documents.
  writing.catch((error: unknown) => stop.abort(error));
  try {
    const reading = { ...taking.reading, dump: { ...dump, signal }, notBefore: capture.from };
    const { collections, dataUntil } = await readAndSettle({ ...taking, reading }, { capture, writing });
    capture.finish();
    const { data, filled } = await writing;
    const { entries, digest, from, to } = filled;
    log.info(`The oplog adds ${entries} entries, up to the cluster time ${clusterTimeText(to)}`);
    const times = { from: clusterTimeText(from), dataUntil, to: clusterTimeText(to) };
    return { collections: await withTouched(reading, collections, filled), oplog: { ...data, entries, digest, ...times } };
  } catch (error) {
    stop.abort(error);
    await writing.catch(() => undefined);
    throw error;
  }
}

interface Capturing {
  readonly capture: OplogCapture;
  readonly writing: Promise<unknown>;
}

/** Reads until the definitions are the same before and after the time at which the oplog ends: then they are those of that time. */
async function readAndSettle(
  { reading, planned, catalog }: OplogTaking,
  { capture, writing }: Capturing,
): Promise<{ readonly collections: readonly ManifestCollection[]; readonly dataUntil: string }> {
  let collections = await readAll(reading, planned);
  for (let round = 1; ; round++) {
    const before = await catalog();
    collections = await settle(reading, collections, before);
    const now = await steadily({ doing: 'Asking for the cluster time', log: reading.log, signal: reading.dump.signal }, () =>
      currentClusterTime(reading.dump.client),
    );
    if (now === undefined) throw new ChangedUnderneath('The server does not name a cluster time any more.');
    await Promise.race([capture.reach(now), writing]);
    if (capture.moved !== undefined) throw new ChangedUnderneath(`${capture.moved} got another name during the backup.`);
    const after = await catalog();
    const changed = firstChanged(before, after) ?? firstChanged(after, before);
    if (changed === undefined) return { collections, dataUntil: clusterTimeText(now) };
    if (round === rounds)
      throw new ChangedUnderneath(`The definition of ${changed.database}.${changed.entry.name} changed again and again.`);
    capture.resume();
  }
}

/** Adds what the server has, at the end of the oplog, in the documents that the oplog writes to: a restore must come to the same. */
async function withTouched(
  reading: Reading,
  collections: readonly ManifestCollection[],
  captured: Captured,
): Promise<readonly ManifestCollection[]> {
  const result: ManifestCollection[] = [];
  for (const collection of collections) {
    const touched = await touchedOf(reading, collection, captured);
    result.push({ ...collection, pointInTime: true, ...(touched === undefined ? {} : { touched }) });
  }
  return result;
}

/** `undefined` when the oplog writes to no document, and when the server cannot tell any more: then a restore has nothing to compare with. */
async function touchedOf(
  { dump, serverVersion, log }: Reading,
  { database, name, type, uuid, options }: ManifestCollection,
  { to, touched }: Captured,
): Promise<ManifestCollection['touched']> {
  if (uuid === undefined || !touched.has(uuid)) return undefined;
  const { signal } = dump;
  const at = { database, collection: type === 'timeseries' ? bucketsOf(name) : name };
  const doing = `Counting what the oplog writes to ${database}.${name}`;
  const known = !touched.overflown && readableAtTime({ entry: { options } }, serverVersion);
  const target = { ...at, ids: touched.idsOf(uuid), atClusterTime: to, signal };
  const digest = known ? await steadily({ doing, log, signal }, () => touchedDigest(dump.client, target)) : undefined;
  if (digest === undefined) log.warning(`${doing} is not possible: a restore cannot be compared with it.`);
  return digest;
}

async function touchedDigest(client: MongoClient, target: Parameters<typeof digestOfIds>[1]): Promise<ManifestCollection['touched']> {
  try {
    return await digestOfIds(client, target);
  } catch (error) {
    if (goneSnapshot.has(serverCode(error) ?? 0)) return undefined;
    target.signal?.throwIfAborted();
    throw fromMongoError(error, `Counting what the oplog writes to ${target.database}.${target.collection}`);
  }
}
