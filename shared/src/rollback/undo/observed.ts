import type { MongoClient } from 'mongodb';
import { Timestamp } from 'mongodb';
import { currentClusterTime } from '../../backup/server-time.ts';
import { GuardError } from '../../errors/guard-error.ts';
import { readWritesRecord, type WritesRecord } from '../../migration/writes-record.ts';
import { readCatalog } from '../../mongo/catalog.ts';
import { openChanges, timeOf, type Changes } from '../../mongo/change-stream.ts';
import { isOwnCollection, shadowPrefix } from '../../mongo/own-collections.ts';
import { elementOf, elementsOf, stringOf } from '../../mongo/raw-bson.ts';
import { Attribution, type Author, type Claim } from './attribution.ts';
import type { DefinitionEvent } from './definition-plan.ts';
import { readEvent, type ChangeEvent } from './event.ts';
import { Histories, isWrite } from './history.ts';
import { ImageStore } from './image-store.ts';
import { sessionsAt } from './oplog-sessions.ts';

/** All that happened to a database since a cluster time, as its change stream tells it. */
export interface Observed extends AsyncDisposable {
  readonly histories: Histories;
  readonly definitions: readonly DefinitionEvent[];
  /** Whether the server tells of every change of a definition. */
  readonly definitionsTold: boolean;
  /** Cluster time up to which everything is known. */
  readonly reached: bigint;
  readonly record: WritesRecord;
  readonly images: ImageStore;
  /** Number of writes of others, by collection as it is called now. */
  readonly othersWrites: ReadonlyMap<string, number>;
  readonly author: (claim: Claim, time: bigint) => Author;
  /** Reads on and decides whose every write is. No migration writes any more: whatever comes later is of others, or of this undo. */
  settle(): Promise<void>;
  /** Reads on until now. */
  refresh(): Promise<void>;
  /** What this undo writes in these sessions is not read again: it tells the histories itself. */
  leaveOut(sessions: readonly string[]): Promise<void>;
}

export interface ObserveOptions {
  readonly client: MongoClient;
  readonly database: string;
  readonly since: bigint;
  /** Collections that are no data. */
  readonly ignored: readonly string[];
  /** Collections that only migrations' records are in. */
  readonly records: readonly string[];
  /** Major version of the server. */
  readonly major: number;
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** More documents than this are quicker restored than undone, and their keys need gigabytes. */
const mostDocuments = 5_000_000;

/** Reads everything since then. Throws `server/history-lost`, `rollback/undo-incomplete` and as `fromMongoError`. */
export async function observe(options: ObserveOptions): Promise<Observed> {
  const { client, database, since, major, signal } = options;
  const record = await readWritesRecord(client.db(database), since);
  const attribution = new Attribution({ ...record, records: new Set(options.records) });
  const images = new ImageStore(options.folder);
  const seen = { histories: new Histories(attribution, images), definitions: [], othersWrites: new Map<string, number>() };
  const definitionsTold = major >= 6;
  const uuids = definitionsTold ? undefined : await uuidsByName(client, database);
  const changes = openChanges({ client, database, after: since, preImages: major >= 6, definitions: definitionsTold, signal });
  const visit = visitor({ ...options, attribution, seen, uuids });
  const refresh = oneAtATime(async () => {
    const now = await currentClusterTime(client);
    if (now !== undefined) await changes.readUntil(timeOf(now), visit);
  });
  const decisions = { author: attribution.decide(), at: since };
  const settle = async (): Promise<void> => {
    await refresh();
    const undecided = attribution.undecided();
    const sessions = undecided.length === 0 ? undefined : await sessionsAt(client, undecided);
    decisions.author = attribution.decide(sessions === undefined ? undefined : (time) => sessions.get(time));
    decisions.at = changes.reached;
  };
  try {
    await settle();
    return {
      ...seen,
      definitionsTold,
      record,
      images,
      get reached() {
        return changes.reached;
      },
      author: (claim, time) => (time > decisions.at && claim !== 'migration' ? 'others' : decisions.author(claim, time)),
      settle,
      refresh,
      leaveOut: (sessions) => changes.leaveOut(sessions),
      [Symbol.asyncDispose]: () => end(changes, images),
    };
  } catch (error) {
    await end(changes, images);
    throw error;
  }
}

interface Visiting extends ObserveOptions {
  readonly attribution: Attribution;
  readonly seen: { readonly histories: Histories; readonly definitions: DefinitionEvent[]; readonly othersWrites: Map<string, number> };
  /** By name, where the server does not tell them with a write. */
  readonly uuids: ReadonlyMap<string, string> | undefined;
}

function visitor({ attribution, database, ignored, seen, uuids }: Visiting): (bytes: Buffer) => void {
  const { histories, definitions, othersWrites } = seen;
  return (bytes) => {
    const told = readEvent(bytes);
    const event = uuids === undefined ? told : { ...told, uuid: uuids.get(told.collection) ?? '' };
    if (isLeftOut(event, ignored)) return;
    if (!isWrite(event)) {
      definitions.push(definitionOf(event, attribution));
      return;
    }
    const claim = histories.add(event);
    refuseTooMany(histories, database);
    if (claim === 'others') othersWrites.set(event.collection, (othersWrites.get(event.collection) ?? 0) + 1);
  };
}

function refuseTooMany({ size }: Histories, database: string): void {
  if (size <= mostDocuments) return;
  throw new GuardError(
    'rollback/undo-incomplete',
    `More than ${mostDocuments} documents of ${database} were written since the rollback point.`,
  );
}

/** What servers before 6.0 do not tell with a write. They tell when a collection loses its name. */
async function uuidsByName(client: MongoClient, database: string): Promise<ReadonlyMap<string, string>> {
  const catalog = await readCatalog(client, database);
  return new Map(catalog.flatMap(({ name, uuid }) => (uuid === undefined ? [] : [[name, uuid] as const])));
}

/** The cluster time as the driver sends it. */
export function timestampOf(time: bigint): Timestamp {
  return new Timestamp(time);
}

async function end(changes: Changes, images: ImageStore): Promise<void> {
  await changes.close();
  images[Symbol.dispose]();
}

/** Callers that come while it runs wait for a run that begins after they came. */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = (): Promise<void> => {
    running = work().finally(() => (running = undefined));
    return running;
  };
  return () => {
    if (running === undefined) return start();
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return start();
      });
    return next;
  };
}

function isLeftOut({ collection, to }: ChangeEvent, ignored: readonly string[]): boolean {
  const name = to ?? collection;
  return isOwnCollection(name) || name.startsWith('system.') || ignored.includes(name);
}

function definitionOf(event: ChangeEvent, attribution: Attribution): DefinitionEvent {
  const { kind, collection, uuid, to, definition } = event;
  const replaced = definition === undefined ? undefined : elementOf(definition, 'dropTarget');
  return {
    kind,
    collection,
    uuid,
    to,
    by: attribution.definedBy(event),
    replaced: replaced?.type === 0x05 ? replaced.value.toString('hex', 5) : undefined,
    indexes: definition === undefined ? [] : [...indexNames(definition)],
    restored: to !== undefined && collection.startsWith(shadowPrefix),
  };
}

function* indexNames(definition: Buffer): Generator<string> {
  const indexes = elementOf(definition, 'indexes');
  const single = elementOf(definition, 'index');
  const all = indexes === undefined ? [] : [...elementsOf(indexes.value)].map(({ value }) => value);
  for (const index of single?.type === 0x03 ? [...all, single.value] : all) {
    const name = elementOf(index, 'name');
    if (name !== undefined) yield stringOf(name.value);
  }
}
