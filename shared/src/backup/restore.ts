import type { MongoClient, Timestamp } from 'mongodb';
import { GuardError } from '../errors/guard-error.ts';
import { fromMongoError } from '../errors/mongo-errors.ts';
import { formatBytes } from '../log/format-bytes.ts';
import type { Log } from '../log/log.ts';
import { startProgress } from '../log/progress.ts';
import { listCollections, readCatalog, type CatalogEntry, type ListedEntry } from '../mongo/catalog.ts';
import { addDigests, emptyDigest, type Digest } from '../mongo/digest.ts';
import { parseExtendedJson, toExtendedJson, toRaw } from '../mongo/extended-json.ts';
import { isOwnCollection } from '../mongo/own-collections.ts';
import { requirePrivileges } from '../mongo/privileges.ts';
import { rawInserter } from '../mongo/raw-write.ts';
import { Budget } from './budget.ts';
import { inParallel } from './in-parallel.ts';
import { readManifest } from './manifest.ts';
import { nameOf, renamed, selects, type Namespace, type NamespacePatterns, type NamespaceRename } from './namespaces.ts';
import {
  buildIndexes,
  finishCollection,
  loadCollection,
  shadowOf,
  type LoadedCollection,
  type LoadOptions,
  type RestoreItem,
} from './restore-collection.ts';
import { backupSource, type RestoreSource, type SourceCollection } from './restore-source.ts';
import { compareServers, requireRoom } from './restore-target.ts';
import type { BackupStore } from './store.ts';

/** What is restored, and where to. */
export interface RestoreWishes extends NamespacePatterns {
  readonly client: MongoClient;
  /** Databases of the backup that are meant; default: all. */
  readonly databases?: readonly string[] | undefined;
  /** Exact namespaces of the backup, for example `shop.orders`; default: all. */
  readonly only?: readonly string[] | undefined;
  /** New names by pattern; see `parseRenames`. */
  readonly renames?: readonly NamespaceRename[] | undefined;
  /** New names by function, instead of `renames`. */
  readonly mapNamespace?: ((namespace: Namespace) => Namespace) | undefined;
  /** Whether existing collections are replaced. Nothing is dropped before its replacement is proven. */
  readonly drop: boolean;
  /** Entries of the oplog at or after this time are not replayed. */
  readonly oplogLimit?: Timestamp | undefined;
  /** Called before the first collection takes its name, and after each: how many of how many have theirs. */
  readonly onNamed?: ((named: number, of: number) => void) | undefined;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
}

export interface RestoreOptions extends RestoreWishes {
  readonly store: BackupStore;
  /** A committed backup; `resolveBackupId` finds the latest. */
  readonly backupId: string;
}

export interface RestoredCollection {
  /** Where it came from and where it is now. */
  readonly from: Namespace;
  readonly to: Namespace;
  readonly type: CatalogEntry['type'];
  /** Counted in the target. Equal to the one in the manifest, unless an oplog was replayed onto it: then that was compared by itself. */
  readonly digest: Digest;
  /** Whether it replaced an existing collection. */
  readonly replaced: boolean;
}

export interface RestoreResult {
  readonly backupId: string;
  readonly collections: readonly RestoredCollection[];
  /** Sums over all collections. */
  readonly digest: Digest;
}

/** What a restore does in each database. */
const neededActions =
  'listCollections listIndexes find insert bypassDocumentValidation createCollection createIndex dropCollection renameCollectionSameDB'.split(
    ' ',
  );
/** Plain bytes of inserts that wait for the server. */
const bytesInFlight = 32 * 2 ** 20;
/** Small things that are asked of the server at once: each takes a way there and back, or waits for the other members. */
const atOnce = 8;

/**
 * Restores collections of a backup, exactly, or throws. Every collection is loaded under a shadow name and its digest compared with the
 * manifest; then all of them take their names in one go. So a failure before leaves the target as it was; one after is said with what is
 * done. Throws `backup/*` for a damaged backup, `restore/target-exists`, `restore/conflict`, `restore/refused`,
 * `restore/digest-mismatch`, `restore/definition-mismatch`, `restore/no-space`, `restore/time-refused`, `target/privilege-missing`, `server/*`, and the reason of the signal.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreResult> {
  const { client, store, backupId, log } = options;
  const manifest = await readManifest(store, backupId);
  await compareServers(client, manifest, log);
  return restoreFrom(backupSource(store, manifest, options.oplogLimit), options);
}

/** Restores collections of any source, exactly, or throws as `restoreBackup` does. */
export async function restoreFrom(from: RestoreSource, options: RestoreWishes): Promise<RestoreResult> {
  const { client, log, signal } = options;
  const items = await planRestore(options, from);
  const [first] = items;
  if (first !== undefined)
    await requireRoom(
      client,
      first.to.database,
      items.reduce((sum, { source }) => sum + from.leastBytes(source), 0),
    );
  const { version } = await client.db('admin').command({ buildInfo: 1 });
  const inserter = rawInserter(client, String(version));
  if (inserter.way === 'objects')
    log.warning('The driver is not the one that was tested: documents are sent one object at a time, slowly.');
  const total = items.reduce((sum, { source }) => addDigests(sum, source.digest), emptyDigest);
  const progress = startProgress({ log, doing: 'Restoring', total });
  const budget = new Budget(bytesInFlight);
  const load: LoadOptions = { client, from, inserter, budget, progress, log, signal };
  const counted = await loadAndName(load, items, options.onNamed);
  await proveDefinitions(client, items);
  return resultOf(from.id, items, counted);
}

/** Loads everything under shadow names, proves it, and gives it its names. Returns the digests that a replay changed. */
async function loadAndName(
  load: LoadOptions,
  items: readonly RestoreItem[],
  onNamed: RestoreWishes['onNamed'],
): Promise<ReadonlyMap<RestoreItem, Digest>> {
  const { from, progress, log, signal } = load;
  const loaded: LoadedCollection[] = [];
  try {
    const order = items.toSorted((a, b) => b.source.digest.bytes - a.source.digest.bytes);
    const loadOne = async (item: RestoreItem): Promise<void> => {
      signal?.throwIfAborted();
      loaded.push(await loadCollection(load, item));
    };
    await from.loadAll(order, loadOne, signal);
    await inParallel(loaded, atOnce, async ({ prove }) => {
      signal?.throwIfAborted();
      await prove();
    });
    log.info(`Restored ${progress.summary()}, every digest equal`);
    const counted = await replayOnto(load, loaded);
    signal?.throwIfAborted();
    // From here on the names change hands: it is quick, and not stopped half-way.
    await nameAll(load, inOrderOfPlan(items, loaded), onNamed);
    return counted;
  } catch (error) {
    // Side by side: a server that is gone is waited for once.
    await Promise.all(loaded.map(({ discard }) => discard()));
    signal?.throwIfAborted();
    throw fromMongoError(error, `Restoring the backup ${from.id}`);
  }
}

/** Throws what `finishCollection` throws, and says in it which collections have their names by then. Views come last: they show what the others hold. */
async function nameAll(load: LoadOptions, order: readonly LoadedCollection[], onNamed: RestoreWishes['onNamed']): Promise<void> {
  const state: Naming = { begun: new Set(), named: new Set() };
  onNamed?.(0, order.length);
  const nameOne = async (collection: LoadedCollection): Promise<void> => {
    state.begun.add(collection);
    await finishCollection(load, collection);
    state.named.add(collection);
    onNamed?.(state.named.size, order.length);
  };
  try {
    for (const views of [false, true])
      await inParallel(
        order.filter(({ item }) => (item.source.type === 'view') === views),
        atOnce,
        nameOne,
      );
  } catch (error) {
    throw halfNamed(fromMongoError(error, `Restoring the backup ${load.from.id}`), order, state);
  }
}

/** Which collections were about to take their names, and which of them have them. */
interface Naming {
  readonly begun: Set<LoadedCollection>;
  readonly named: Set<LoadedCollection>;
}

function halfNamed(error: GuardError, order: readonly LoadedCollection[], { begun, named }: Naming): GuardError {
  const namesOf = (which: (collection: LoadedCollection) => boolean): readonly string[] =>
    order.filter(which).map(({ item }) => nameOf(item.to));
  const done = named.size === 0 ? '' : ` (${shortList(namesOf((one) => named.has(one)))})`;
  const failed = shortList(namesOf((one) => begun.has(one) && !named.has(one)));
  const rest = order.length - begun.size;
  const others = rest === 0 ? '' : `, and the other ${rest} are as they were`;
  const state = `${named.size} of ${order.length} collections were restored by then${done}; ${failed} may be missing now${others}.`;
  const remedy = 'Run the same restore again with `drop: true`: it begins anew and finishes what this one left.';
  return new GuardError(error.code, `${error.message} ${state}`, { cause: error, remedy });
}

/** The first five of some names, and how many more there are. */
function shortList(names: readonly string[]): string {
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  return `${names.slice(0, 5).join(', ')}${more}`;
}

/** What a source says must follow on the documents, then the indexes that waited for it. Returns the digests of what changed by it. */
async function replayOnto(load: LoadOptions, loaded: readonly LoadedCollection[]): Promise<ReadonlyMap<RestoreItem, Digest>> {
  const { from } = load;
  if (from.replay === undefined) return new Map();
  const open = loaded.flatMap(({ item, documentsAt }) => (documentsAt === undefined ? [] : [{ item, at: documentsAt }]));
  const targets = open.map(({ item: { source }, at }) => ({ database: source.database, name: source.name, at }));
  const digests = await from.replay.onto(targets, load);
  for (const collection of loaded) await buildIndexes(load, collection);
  return new Map(open.map(({ item }, index) => [item, digests[index] ?? item.source.digest]));
}

function resultOf(backupId: string, items: readonly RestoreItem[], counted: ReadonlyMap<RestoreItem, Digest>): RestoreResult {
  const collections = items.map((item) => {
    const restored = restoredOf(item.source, item.to, item.existing !== undefined);
    return { ...restored, digest: counted.get(item) ?? restored.digest };
  });
  return { backupId, collections, digest: collections.reduce((sum, { digest }) => addDigests(sum, digest), emptyDigest) };
}

export function restoredOf(source: SourceCollection, to: Namespace, replaced: boolean): RestoredCollection {
  const from = { database: source.database, collection: source.name };
  return { from, to, type: source.type, digest: source.digest, replaced };
}

/** As they were planned. */
function inOrderOfPlan(items: readonly RestoreItem[], loaded: readonly LoadedCollection[]): readonly LoadedCollection[] {
  const of = new Map(loaded.map((collection) => [collection.item, collection]));
  return items.flatMap((item) => of.get(item) ?? []);
}

export async function planRestore(options: RestoreWishes, from: RestoreSource): Promise<readonly RestoreItem[]> {
  const chosen = chooseCollections(options, from);
  const map = options.mapNamespace ?? ((namespace: Namespace) => renamed(namespace, options.renames ?? []));
  const targets = chosen.map((source) => ({ source, to: map({ database: source.database, collection: source.name }) }));
  requireDistinct(targets.map(({ to }) => to));
  const databases = [...new Set(targets.map(({ to }) => to.database))];
  await requirePrivileges(options.client, databases, neededActions);
  const existing = new Map<string, ListedEntry>();
  for (const database of databases)
    for (const entry of await listCollections(options.client, database, { signal: options.signal }))
      existing.set(nameOf({ database, collection: entry.name }), entry);
  const items = targets.map(({ source, to }) => ({
    source,
    to,
    existing: existing.get(nameOf(to)),
    leftover: existing.has(nameOf(shadowOf(to))),
  }));
  const standing = items.filter(({ existing: found }) => found !== undefined);
  if (standing.length > 0 && !options.drop) {
    const names = shortList(standing.map(({ to }) => nameOf(to)));
    throw new GuardError('restore/target-exists', `The target already holds ${names}.`);
  }
  const part = standing.find(({ source }) => source.query !== undefined);
  if (part !== undefined)
    throw new GuardError(
      'restore/target-exists',
      `The backup holds only a part of ${nameOf(part.to)}, taken by a query: it does not replace it.`,
      {
        remedy: 'Restore it under another name with `ns-from` and `ns-to`, or leave it out by `exclude`.',
      },
    );
  return items;
}

/** Throws `backup/nothing-selected`, or `backup/not-found` when one of `only` is not in the backup. */
function chooseCollections({ databases, only, include, exclude, log }: RestoreWishes, from: RestoreSource): readonly SourceCollection[] {
  const names = new Set(only);
  const chosen = from.collections.filter((source) => {
    const namespace = { database: source.database, collection: source.name };
    if (databases !== undefined && databases.length > 0 && !databases.includes(source.database)) return false;
    if (isOwnCollection(source.name)) return false;
    return (only === undefined || names.has(nameOf(namespace))) && selects({ include, exclude }, namespace);
  });
  for (const { database, name } of chosen) names.delete(nameOf({ database, collection: name }));
  const [absent] = names;
  if (absent !== undefined) throw new GuardError('backup/not-found', `The backup ${from.id} does not hold ${absent}.`);
  if (chosen.length === 0) throw new GuardError('backup/nothing-selected', `The backup ${from.id} holds nothing that was asked for.`);
  log.info(`Restoring ${chosen.length} collections, ${formatBytes(chosen.reduce((sum, { digest }) => sum + digest.bytes, 0))}`);
  return chosen;
}

function requireDistinct(targets: readonly Namespace[]): void {
  const seen = new Set<string>();
  for (const name of targets.map(nameOf)) {
    if (seen.has(name)) throw new GuardError('restore/conflict', `More than one collection would become ${name}.`);
    seen.add(name);
  }
}

/** The last proof: options and indexes of everything that was restored, as the server tells them now. */
export async function proveDefinitions(client: MongoClient, items: readonly RestoreItem[]): Promise<void> {
  for (const [database, group] of Map.groupBy(items, ({ to }) => to.database)) {
    const now = new Map((await readCatalog(client, database)).map((entry) => [entry.name, entry]));
    for (const { source, to } of group) {
      const found = now.get(to.collection);
      const what = found === undefined ? 'collection' : differentPart(source, found);
      if (what !== undefined)
        throw new GuardError('restore/definition-mismatch', `The ${what} of ${nameOf(to)} is not what it was in the backup.`);
    }
  }
}

function differentPart(source: SourceCollection, found: CatalogEntry): string | undefined {
  if (source.type !== found.type) return 'type';
  if (withoutOrder(source.options) !== withoutOrder(found.options)) return 'set of options';
  const indexes = (all: readonly string[]): string => all.map(withoutOrder).sort().join('\n');
  return indexes(source.indexes) === indexes(found.indexes) ? undefined : 'set of indexes';
}

/** The order of the members at the top means nothing, and servers of different age list them in different ones. */
function withoutOrder(definition: string): string {
  return toExtendedJson(toRaw(new Map([...parseExtendedJson(definition)].sort(([a], [b]) => (a < b ? -1 : 1)))));
}
