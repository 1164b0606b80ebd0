import { GuardError } from '../errors/guard-error.ts';
import { formatBytes } from '../log/format-bytes.ts';
import { formatCount } from '../log/format-count.ts';
import { startProgress } from '../log/progress.ts';
import { dumpAccounts } from './accounts/dump-accounts.ts';
import { Budget } from './budget.ts';
import { ChangedUnderneath } from './changed.ts';
import { readTimes, type ReadTimes } from './consistency.ts';
import type { CreateOptions } from './create-options.ts';
import type { ConsistencyKind, Manifest, ManifestAccounts, ManifestCollection, ManifestOplog } from './manifest.ts';
import { firstChanged, firstReplaced, planCollections, requireCollections } from './plan.ts';
import type { PlannedCollection } from './planned-collection.ts';
import { provenQuiet } from './quiet.ts';
import { readAll, type Reading } from './read-all.ts';
import { clusterTimeText, currentClusterTime } from './server-time.ts';
import { settle } from './settle.ts';
import { estimateSizes, type SizeEstimate } from './sizes.ts';
import { snapshotWindow, watchedProgress } from './snapshot-window.ts';
import { steadily } from './steadily.ts';
import { takeWithOplog } from './take-with-oplog.ts';

export interface Attempt {
  readonly id: string;
  readonly kind: ConsistencyKind;
  /** What may be taken instead when this kind does not work out. */
  readonly weaker: readonly ConsistencyKind[];
  readonly databases: readonly string[];
}

export interface Taken {
  readonly collections: readonly ManifestCollection[];
  readonly consistency: Manifest['consistency'];
  readonly oplog?: ManifestOplog;
  readonly accounts?: readonly ManifestAccounts[];
}

/** Plain bytes that wait for compressor and store. */
const bytesInFlight = 48 * 2 ** 20;
/** How often definitions may change at the end of a backup that does not show one point in time anyway. */
const settleRounds = 5;

/** One attempt at all documents. Throws as `createBackup`, and `ChangedUnderneath` and `SnapshotTooShort` when another attempt may do. */
export async function take(options: CreateOptions, attempt: Attempt): Promise<Taken> {
  const { client } = options.connection;
  const { log, signal } = options;
  const catalog = (): Promise<readonly PlannedCollection[]> =>
    steadily({ doing: 'Listing the collections', log, signal }, () =>
      planCollections(client, attempt.databases, { ...options.selection, signal }),
    );
  const planned = await catalog();
  requirePlanned(options, planned);
  const times = await readTimes(client, attempt.kind);
  // The definitions are no part of a snapshot: they hold for its time when they are the same before and after it was chosen.
  const [sizes, again] = await Promise.all([estimateSizes(client, planned), times.atClusterTime === undefined ? planned : catalog()]);
  const changed = firstChanged(planned, again) ?? firstChanged(again, planned);
  if (changed !== undefined) throw changedUnderneath(changed);
  await requireSpace(options, sizes.total);
  const taking = { attempt, planned, times, catalog, reading: await readingOf(options, { attempt, times, sizes }) };
  const taken = await takeCollections(options, taking);
  log.info(`Backed up ${taking.reading.dump.progress.summary()}`);
  if (options.accounts !== true) return taken;
  return { ...taken, accounts: await dumpAccounts(taking.reading, options.selection.databases) };
}

interface Taking {
  readonly attempt: Attempt;
  readonly planned: readonly PlannedCollection[];
  readonly times: ReadTimes;
  readonly catalog: () => Promise<readonly PlannedCollection[]>;
  readonly reading: Reading;
}

async function takeCollections(options: CreateOptions, taking: Taking): Promise<Taken> {
  const { kind, databases } = taking.attempt;
  if (kind === 'snapshot') return takeSnapshot(options, taking);
  if (kind !== 'oplog') return takeAsItComes(options, taking);
  const taken = await takeWithOplog({ ...taking, databases, selection: options.selection });
  return { ...taken, consistency: { kind, clusterTime: taken.oplog.to } };
}

/** Everything at one cluster time, at which the definitions are known to be those of the plan. */
async function takeSnapshot(options: CreateOptions, { planned, times, reading }: Taking): Promise<Taken> {
  const read = await readAll(reading, planned);
  // What was dropped before its turn came was read as empty, so it must still be there. Options and indexes may change after the time.
  const { client } = options.connection;
  const { log, signal } = options;
  const replaced = await steadily({ doing: 'Listing the collections', log, signal }, () => firstReplaced(client, planned, signal));
  if (replaced !== undefined) throw changedUnderneath(replaced);
  const { collections } = await provenQuiet(options, { kind: 'snapshot', mayGiveUp: true, collections: read, since: times.startedAt });
  return { collections, consistency: consistencyOf('snapshot', times) };
}

async function takeAsItComes(options: CreateOptions, { attempt, planned, times, catalog, reading }: Taking): Promise<Taken> {
  const { engine } = options;
  let collections = engine === undefined ? await readAll(reading, planned) : await engine.dumpAll(reading.dump, planned);
  let before = planned;
  for (let round = 1; ; round++) {
    const now = await catalog();
    const changed = firstChanged(before, now) ?? firstChanged(now, before);
    if (changed === undefined) break;
    if (round === settleRounds || engine !== undefined) throw changedUnderneath(changed);
    collections = await settle(reading, collections, now);
    before = now;
  }
  if (attempt.kind === 'none') return { collections, consistency: { kind: 'none' } };
  const mayGiveUp = attempt.weaker.includes('none');
  const proven = await provenQuiet(options, { kind: 'quiescent', mayGiveUp, collections, since: times.startedAt });
  if (proven.written === undefined) return { collections: proven.collections, consistency: consistencyOf('quiescent', times) };
  const because = `${proven.written} was written during the backup.`;
  options.log.warning(`${because} So the backup does not show one point in time (consistency: none).`);
  return { collections, consistency: { kind: 'none', because } };
}

function consistencyOf(kind: ConsistencyKind, { atClusterTime, startedAt }: ReadTimes): Manifest['consistency'] {
  const time = atClusterTime ?? startedAt;
  return { kind, ...(time === undefined ? {} : { clusterTime: clusterTimeText(time) }) };
}

function changedUnderneath({ database, entry }: PlannedCollection): ChangedUnderneath {
  return new ChangedUnderneath(`The definition of ${database}.${entry.name} changed during the backup.`);
}

function requirePlanned({ requiredCollections = [] }: CreateOptions, planned: readonly PlannedCollection[]): void {
  if (planned.length === 0) throw new GuardError('backup/nothing-selected', 'No collection fits what was asked for.');
  requireCollections(
    requiredCollections,
    planned.map(({ database, entry }) => ({ database, collection: entry.name, documents: 1 })),
  );
}

async function readingOf(
  options: CreateOptions,
  { attempt, times, sizes }: { readonly attempt: Attempt; readonly times: ReadTimes; readonly sizes: SizeEstimate },
): Promise<Reading> {
  const { connection, store, log, signal, compression = 'zstd', recipients = [], now = () => new Date() } = options;
  const { client, serverVersion } = connection;
  const { atClusterTime } = times;
  const plain = startProgress({ log, doing: 'Backing up', total: sizes.total });
  const window = atClusterTime === undefined ? 0 : await snapshotWindow(client);
  const watch = { progress: plain, total: sizes.total?.bytes, window, log, now, mayGiveUp: attempt.weaker.length > 0 };
  const progress = atClusterTime === undefined ? plain : watchedProgress(watch);
  return {
    dump: { client, store, id: attempt.id, compression, recipients, budget: new Budget(bytesInFlight), progress, signal },
    serverVersion,
    sizes,
    atClusterTime,
    notBefore: attempt.kind === 'none' ? undefined : await currentClusterTime(client),
    log,
  };
}

/** Throws `backup/no-space` when the backup surely does not fit. */
async function requireSpace({ store, compression, log }: CreateOptions, total: SizeEstimate['total']): Promise<void> {
  const free = await store.freeBytes();
  if (total === undefined || free === undefined) return;
  log.info(`About ${formatCount(total.documents)} documents, ${formatBytes(total.bytes)}; ${formatBytes(free)} free in the store`);
  // Real data shrink to a fifth or so; a twentieth was never seen.
  const least = compression === 'none' ? total.bytes : total.bytes / 20;
  if (free < least)
    throw new GuardError('backup/no-space', `The store has ${formatBytes(free)} free, the backup needs ${formatBytes(least)} or more.`);
}
