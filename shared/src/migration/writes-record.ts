import { Timestamp, type Db } from 'mongodb';
import { fromMongoError } from '../errors/mongo-errors.ts';
import { timeOf } from '../mongo/change-stream.ts';
import { textOfTime, timeOfText } from '../timing/cluster-time.ts';
import type { WriteCommand, WriteReport } from './write-command.ts';

export const writesCollection = 'migration_writes';

/** Parts of the record in the target database. `time` is the cluster time when it was written. */
type RecordDocument = { readonly time: Timestamp; readonly run: string } & (
  | { readonly kind: 'begin' }
  | { readonly kind: 'commands'; readonly commands: readonly WriteCommand[]; readonly through?: string }
  /** Every command since `begin` is told. */
  | { readonly kind: 'end' }
  /** The run is over, but not every command is told. */
  | { readonly kind: 'lost' }
  /** The session with which an undo writes, 32 hex digits. */
  | { readonly kind: 'undo'; readonly session: string }
);

export interface WritesRecorder {
  /** Never throws: what could not be written down makes `end` say so, and the time counts as not recorded. */
  readonly add: (report: WriteReport) => void;
  /** Waits until everything is written. */
  end(): Promise<void>;
}

const aliveMilliseconds = 10_000;
/** A run that is silent for so long, in seconds of the cluster time, is dead. */
const deadSeconds = 60n;

/** Bytes of keys in one document of the record. */
const fullDocument = 4 * 2 ** 20;

/** Begins to record the write commands of migrations in the target itself, where a later rollback finds them. Throws as `fromMongoError`. */
export async function beginWritesRecord(db: Db, run: string): Promise<WritesRecorder> {
  await append(db, { kind: 'begin', run });
  let writing: Promise<unknown> = Promise.resolve();
  let failed: unknown;
  let lost = false;
  let through: string | undefined;
  const write = (commands: readonly WriteCommand[]): void => {
    writing = writing
      .then(() => append(db, { kind: 'commands', run, commands, ...(through === undefined ? {} : { through }) }))
      .catch((error: unknown) => (failed ??= error));
  };
  // So that a later reader knows until when it was alive.
  const alive = setInterval(() => write([]), aliveMilliseconds);
  alive.unref();
  return {
    add: ({ commands, through: told, incomplete = false }) => {
      lost ||= incomplete;
      if (!lost) through = told ?? through;
      for (const part of parts(commands)) write(part);
    },
    end: async () => {
      clearInterval(alive);
      await writing;
      if (failed !== undefined) throw fromMongoError(failed, `Recording the writes of the migrations in ${db.databaseName}`);
      await append(db, { kind: lost ? 'lost' : 'end', run });
    },
  };
}

/** Says with which session an undo writes, before its first write. Throws as `fromMongoError`. */
export async function recordUndoSession(db: Db, { run, session }: { readonly run: string; readonly session: string }): Promise<void> {
  await append(db, { kind: 'undo', run, session });
}

export interface WritesRecord {
  readonly commands: readonly WriteCommand[];
  /** Times in which migrations ran and not every command was recorded. */
  readonly windows: readonly { readonly after: bigint; readonly until: bigint }[];
  readonly undoSessions: ReadonlySet<string>;
}

const forever = 2n ** 63n;

/** The record of everything since a cluster time. Throws as `fromMongoError`. */
export async function readWritesRecord(db: Db, since: bigint): Promise<WritesRecord> {
  const documents = await db
    .collection(writesCollection)
    .find<RecordDocument>(
      { time: { $gte: new Timestamp(since) } },
      { sort: { time: 1, _id: 1 }, readPreference: 'primary', readConcern: { level: 'majority' } },
    )
    .toArray()
    .catch((error: unknown) => {
      throw fromMongoError(error, `Reading the record of writes of ${db.databaseName}`);
    });
  const commands: WriteCommand[] = [];
  const windows: { after: bigint; until: bigint }[] = [];
  const undoSessions = new Set<string>();
  let open: { through: bigint; aliveAt: bigint; readonly commands: WriteCommand[] } | undefined;
  const close = (until: bigint, complete: boolean): void => {
    if (open === undefined) return;
    if (!complete) windows.push({ after: open.through, until: earlier(until, open.aliveAt + (deadSeconds << 32n)) });
    // What had no answer when the record broke off can have gone on until somebody looked after it.
    const text = until === forever ? {} : { until: textOfTime(until) };
    commands.push(...open.commands.map((command) => (command.until === undefined ? { ...command, ...text } : command)));
    open = undefined;
  };
  for (const document of documents) {
    const time = timeOf(document.time);
    if (document.kind === 'undo') undoSessions.add(document.session);
    if (document.kind !== 'commands') close(time, document.kind === 'end');
    if (document.kind === 'begin') open = { through: time, aliveAt: time, commands: [] };
    if (document.kind === 'commands' && open !== undefined) {
      open.aliveAt = time;
      open.commands.push(...document.commands);
      if (document.through !== undefined) open.through = timeOfText(document.through);
    }
  }
  close(forever, false);
  return { commands, windows, undoSessions };
}

async function append(db: Db, document: DistributedOmit<RecordDocument, 'time'>): Promise<void> {
  try {
    const { operationTime } = await db.command({ ping: 1 });
    const time = (operationTime as Timestamp | undefined) ?? new Timestamp({ t: Math.floor(Date.now() / 1_000), i: 0 });
    await db.collection(writesCollection).insertOne({ time, ...document }, { writeConcern: { w: 'majority' } });
  } catch (error) {
    throw fromMongoError(error, `Recording the writes of the migrations in ${db.databaseName}`);
  }
}

type DistributedOmit<Union, Key extends keyof Union> = Union extends unknown ? Omit<Union, Key> : never;

function* parts(commands: readonly WriteCommand[]): Generator<readonly WriteCommand[]> {
  let part: WriteCommand[] = [];
  let bytes = 0;
  for (const command of commands) {
    part.push(command);
    bytes += (command.keys?.length ?? 0) + (command.fields?.join().length ?? 0) + 200;
    if (bytes < fullDocument) continue;
    yield part;
    [part, bytes] = [[], 0];
  }
  if (part.length > 0) yield part;
}

function earlier(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
