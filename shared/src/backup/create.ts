import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { GuardError } from '../errors/guard-error.ts';
import { fromMongoError } from '../errors/mongo-errors.ts';
import { formatBytes } from '../log/format-bytes.ts';
import type { Log } from '../log/log.ts';
import { startProgress } from '../log/progress.ts';
import type { Connection } from '../mongo/connect.ts';
import { addDigests, emptyDigest } from '../mongo/digest.ts';
import { requirePrivileges } from '../mongo/privileges.ts';
import type { Recipient } from './age/keys.ts';
import { Budget } from './budget.ts';
import type { Compression } from './codec.ts';
import { chooseConsistency, readableAtTime, readTimes, type ConsistencyWish, type ReadTimes } from './consistency.ts';
import { putFile } from './document-file.ts';
import { dumpCollection, type DumpOptions } from './dump-collection.ts';
import { wishFor, type DumpEngine } from './engines/dump-engine.ts';
import { requireEngine } from './engines/require-engine.ts';
import { inParallel } from './in-parallel.ts';
import { definitionsText, writeManifest, type ConsistencyKind, type Manifest, type ManifestCollection } from './manifest.ts';
import { chosenDatabases, firstChanged, planCollections, requireCollections, type PlannedCollection, type Selection } from './plan.ts';
import { clusterTimeText, firstWritten } from './server-time.ts';
import { estimateSizes, type SizeEstimate } from './sizes.ts';
import type { BackupStore } from './store.ts';

export interface CreateOptions {
  readonly connection: Pick<Connection, 'client' | 'topology' | 'serverVersion'>;
  readonly store: BackupStore;
  readonly selection: Selection;
  /** Patterns that must each fit a collection with documents. */
  readonly requiredCollections?: readonly string[] | undefined;
  readonly compression?: Compression | undefined;
  /** For whom the backup is encrypted; default: it is not. Nobody else can read it, this run neither. */
  readonly recipients?: readonly Recipient[] | undefined;
  readonly consistency?: ConsistencyWish | undefined;
  /** Who reads the documents; default: we do. */
  readonly engine?: DumpEngine | undefined;
  readonly environment?: string | undefined;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
  readonly now?: (() => Date) | undefined;
}

/** Name and version that a manifest gives its writer. */
const tool = { name: 'migration-guard', version: '0.1.0' } as const;
/** How often a backup is begun again because collections changed their definition under it. */
const attempts = 3;
/** Plain bytes that wait for compressor and store. */
const bytesInFlight = 48 * 2 ** 20;

/**
 * Takes a backup and returns its manifest, which is written last: when this throws, or the process is killed, there is no backup that
 * counts. What was written until then is removed. Throws `backup/nothing-selected`, `backup/required-collection`,
 * `backup/consistency-refused`, `backup/not-quiescent`, `backup/schema-changed`, `backup/no-space`, `backup/store-failed`,
 * `target/privilege-missing`, `server/*`, `store/*`, and the reason of the signal.
 */
export async function createBackup(options: CreateOptions): Promise<Manifest> {
  const { connection, store, log, now = () => new Date() } = options;
  const startedAt = now();
  requireEngine(connection.topology);
  const wish = wishFor(options.engine, options.consistency ?? 'auto', connection.topology);
  const kind = chooseConsistency({ wish, topology: connection.topology, environment: options.environment });
  if (kind === 'none')
    log.warning('This backup does not show one point in time (consistency: none): writes during it may be seen in part.');
  const databases = await chosenDatabases(connection.client, options.selection);
  await requirePrivileges(connection.client, databases, ['listCollections', 'listIndexes', 'find']);
  await clearStranded(options, startedAt);
  const id = newBackupId(startedAt);
  try {
    const taken = await takeInAttempts(options, { id, kind, databases });
    requireCollections(
      options.requiredCollections ?? [],
      taken.collections.map(({ database, name, digest }) => ({ database, collection: name, documents: digest.documents })),
    );
    options.signal?.throwIfAborted();
    const encryption = await encryptionOf(options, id, taken.collections);
    const manifest = manifestOf(options, { id, startedAt, finishedAt: now(), databases, ...taken, ...encryption });
    await writeManifest(store, manifest);
    return manifest;
  } catch (error) {
    await store.remove(id).catch(() => log.warning(`The unfinished backup ${id} could not be removed from ${store.location}.`));
    throw error;
  }
}

/** Writes down apart what the manifest of an encrypted backup must not tell. */
async function encryptionOf(
  { store, recipients = [] }: CreateOptions,
  id: string,
  collections: readonly ManifestCollection[],
): Promise<Pick<Manifest, 'encryption'>> {
  if (recipients.length === 0) return {};
  const definitions = await putFile({ store, id, recipients }, 'definitions.json', Buffer.from(definitionsText(collections)));
  return { encryption: { format: 'age', recipients: recipients.map(({ text }) => text), definitions } };
}

/** Uploads of killed runs; what is younger than a day may still be running. The first time that the store is asked anything. */
async function clearStranded({ store, log }: CreateOptions, now: Date): Promise<void> {
  const removed = await store.removeStranded(new Date(now.getTime() - 86_400_000));
  if (removed > 0) log.info(`Removed ${removed} uploads that killed runs left unfinished in ${store.location}`);
}

/** Sorts by time, so that the newest is the last. */
export function newBackupId(time: Date): string {
  return `${time.toISOString().replace(/[-:]|\.\d+/g, '')}-${randomBytes(3).toString('hex')}`;
}

interface Attempt {
  readonly id: string;
  readonly kind: ConsistencyKind;
  readonly databases: readonly string[];
}

interface Taken {
  readonly collections: readonly ManifestCollection[];
  readonly consistency: Manifest['consistency'];
}

/** The collections changed while they were read, so what was read is of no use. */
class ChangedUnderneath extends Error {}

async function takeInAttempts(options: CreateOptions, attempt: Attempt): Promise<Taken> {
  for (let number = 1; ; number++) {
    try {
      return await take(options, attempt);
    } catch (error) {
      const why = error instanceof ChangedUnderneath ? error.message : isUnavailable(error) ? error.message : undefined;
      if (why === undefined) throw error;
      if (number === attempts)
        throw new GuardError('backup/schema-changed', `${why} This happened in ${attempts} attempts.`, { cause: error });
      options.log.warning(`${why} The backup begins again (attempt ${number + 1} of ${attempts}).`);
      await options.store.remove(attempt.id);
    }
  }
}

function isUnavailable(error: unknown): error is GuardError {
  return error instanceof GuardError && error.code === 'server/snapshot-unavailable';
}

async function take(options: CreateOptions, attempt: Attempt): Promise<Taken> {
  const { client } = options.connection;
  const catalog = (): Promise<readonly PlannedCollection[]> =>
    planCollections(client, attempt.databases, { ...options.selection, signal: options.signal });
  const planned = await catalog();
  if (planned.length === 0) throw new GuardError('backup/nothing-selected', 'No collection fits what was asked for.');
  const required = planned.map(({ database, entry }) => ({ database, collection: entry.name, documents: 1 }));
  requireCollections(options.requiredCollections ?? [], required);
  const times = await readTimes(client, attempt.kind);
  // The definitions are no part of a snapshot: they hold for its time when they are the same before and after it was chosen.
  if (times.atClusterTime !== undefined) requireSame(planned, await catalog());
  const sizes = await estimateSizes(client, planned);
  await requireSpace(options, sizes.total);
  const collections = await dumpAll(options, { ...attempt, planned, times, sizes });
  requireSame(planned, await catalog());
  return { collections: await provenQuiet(options, { ...attempt, collections, times }), consistency: consistencyOf(attempt.kind, times) };
}

function requireSame(before: readonly PlannedCollection[], after: readonly PlannedCollection[]): void {
  const changed = firstChanged(before, after);
  if (changed === undefined) return;
  throw new ChangedUnderneath(`The definition of ${changed.database}.${changed.entry.name} changed during the backup.`);
}

function consistencyOf(kind: ConsistencyKind, { atClusterTime, startedAt }: ReadTimes): Manifest['consistency'] {
  const time = atClusterTime ?? startedAt;
  return { kind, ...(time === undefined ? {} : { clusterTime: clusterTimeText(time) }) };
}

interface DumpAll extends Attempt {
  readonly planned: readonly PlannedCollection[];
  readonly times: ReadTimes;
  readonly sizes: SizeEstimate;
}

/** Dumps the largest collections first, several side by side. */
async function dumpAll(options: CreateOptions, { id, planned, times, sizes }: DumpAll): Promise<readonly ManifestCollection[]> {
  const { connection, store, log, signal } = options;
  const progress = startProgress({ log, doing: 'Backing up', total: sizes.total });
  const budget = new Budget(bytesInFlight);
  const { compression = 'zstd', recipients = [] } = options;
  const dump: DumpOptions = { client: connection.client, store, id, compression, recipients, budget, progress, signal };
  if (options.engine !== undefined) return options.engine.dumpAll(dump, planned);
  const done = new Map<PlannedCollection, ManifestCollection>();
  const order = planned.toSorted((a, b) => sizes.bytesOf(b) - sizes.bytesOf(a));
  const width = Math.min(4, Math.max(2, availableParallelism()));
  await inParallel(order, width, async (collection) => {
    signal?.throwIfAborted();
    const atTime = readableAtTime(collection, connection.serverVersion);
    const atClusterTime = atTime ? times.atClusterTime : undefined;
    try {
      const expectedBytes = sizes.bytesOf(collection);
      const target = { planned: collection, atClusterTime, pointInTime: atClusterTime !== undefined, expectedBytes };
      done.set(collection, await dumpCollection(dump, target));
    } catch (error) {
      signal?.throwIfAborted();
      throw fromMongoError(error, `Backing up ${collection.database}.${collection.entry.name}`);
    }
  });
  log.info(`Backed up ${progress.summary()}`);
  return planned.flatMap((collection) => done.get(collection) ?? []);
}

interface Proof extends Attempt {
  readonly collections: readonly ManifestCollection[];
  readonly times: ReadTimes;
}

/**
 * Collections that were not read at a cluster time show the time of the backup's start if nobody wrote to them since: the change stream
 * knows. Throws `backup/not-quiescent` when that is the promise of the whole backup.
 */
async function provenQuiet(options: CreateOptions, { kind, collections, times }: Proof): Promise<readonly ManifestCollection[]> {
  const { startedAt } = times;
  if (startedAt === undefined) return collections;
  const open = collections.filter(({ pointInTime, type }) => !pointInTime && type !== 'view');
  const written = new Set<ManifestCollection>();
  for (const group of Map.groupBy(open, ({ database }) => database).values()) {
    for (const collection of kind === 'quiescent' ? [group] : group.map((one) => [one])) {
      const first = await firstWrittenOf(options, collection, startedAt);
      if (first === undefined) continue;
      if (kind === 'quiescent') throw new GuardError('backup/not-quiescent', `${first} was written during the backup.`);
      options.log.warning(`${first} was written during the backup and cannot be read at a cluster time by this server: it may be newer.`);
      for (const one of collection) written.add(one);
    }
  }
  return collections.map((collection) => ({ ...collection, pointInTime: !written.has(collection) }));
}

function firstWrittenOf(
  { connection, signal }: CreateOptions,
  collections: readonly ManifestCollection[],
  after: NonNullable<ReadTimes['startedAt']>,
): Promise<string | undefined> {
  const namespaces = collections.map(({ database, name }) => ({ database, collection: name }));
  return firstWritten(connection.client, { database: collections[0]?.database ?? '', namespaces, after, signal });
}

/** Throws `backup/no-space` when the backup surely does not fit. */
async function requireSpace({ store, compression, log }: CreateOptions, total: SizeEstimate['total']): Promise<void> {
  const free = await store.freeBytes();
  if (total === undefined || free === undefined) return;
  log.info(`About ${total.documents.toLocaleString('en')} documents, ${formatBytes(total.bytes)}; ${formatBytes(free)} free in the store`);
  // Real data shrink to a fifth or so; a twentieth was never seen.
  const least = compression === 'none' ? total.bytes : total.bytes / 20;
  if (free < least)
    throw new GuardError('backup/no-space', `The store has ${formatBytes(free)} free, the backup needs ${formatBytes(least)} or more.`);
}

interface Finished extends Taken, Pick<Manifest, 'encryption'> {
  readonly id: string;
  readonly databases: readonly string[];
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

function manifestOf(options: CreateOptions, finished: Finished): Manifest {
  const { id, databases, collections, consistency, startedAt, finishedAt, encryption } = finished;
  const { connection, selection } = options;
  const files = collections.flatMap(({ metadata, data }) => [metadata.bytes, data?.bytes ?? 0, data?.table.bytes ?? 0]);
  return {
    version: 1,
    id,
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    tool: options.engine === undefined ? tool : { ...tool, engine: { name: options.engine.name, version: options.engine.version } },
    server: { version: connection.serverVersion, topology: connection.topology },
    ...(options.environment === undefined ? {} : { environment: options.environment }),
    consistency,
    compression: options.compression ?? 'zstd',
    ...(encryption === undefined ? {} : { encryption }),
    selection: { databases: [...databases], include: [...(selection.include ?? [])], exclude: [...(selection.exclude ?? [])] },
    collections: [...collections],
    digest: collections.reduce((sum, { digest }) => addDigests(sum, digest), emptyDigest),
    storedBytes: files.reduce((sum, bytes) => sum + bytes, encryption?.definitions.bytes ?? 0),
  };
}
