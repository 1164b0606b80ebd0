import { randomUUID } from 'node:crypto';
import type { Db } from 'mongodb';
import { fromMongoError } from '../errors/mongo-errors.ts';
import type { Effects } from './effects.ts';
import type { Direction } from './worker/protocol.ts';

export const journalCollection = 'migration_journal';

/**
 * STARTED is written before the first write of a file, FINISHED when its `up` has returned, APPLIED when the history holds it.
 * INTERRUPTED: ended by cancel, timeout or a lost lock. A file whose last entry is STARTED was being run by a process that was killed.
 * ABORTED: its transaction was not committed and never will be. CHECKPOINT: how far a walk of the batch helper came, beside the order.
 * MARKED_APPLIED: a person said so, or it was taken over from the history of another tool; it did not run.
 * ROLLING_BACK: a rung of a rollback has begun; it is the last entry of a file whose rollback was killed.
 */
export type JournalState =
  | 'STARTED'
  | 'ABORTED'
  | 'FINISHED'
  | 'APPLIED'
  | 'FAILED'
  | 'INTERRUPTED'
  | 'MARKED_APPLIED'
  | 'ROLLING_BACK'
  | 'ROLLED_BACK'
  | 'ROLLBACK_FAILED';

export interface JournalEntry {
  readonly file: string;
  readonly state: JournalState;
  /** SHA-256 of the file, hexadecimal. */
  readonly hash?: string;
  readonly at: Date;
  /** URL of the run. */
  readonly run: string;
  /** Fencing number of the lock; with `step` the order of entries, whatever the clocks of the runners say. */
  readonly fence: number;
  readonly step: number;
  readonly milliseconds?: number;
  readonly effects?: Effects;
  /** Code of the error. */
  readonly error?: string;
  /** Absent in entries of older releases: up. */
  readonly direction?: Direction;
  /** Of a STARTED file that runs in a transaction: `_id` of the entry FINISHED with which the transaction ends. */
  readonly commit?: string;
  /** Who marked the file as applied, and why. */
  readonly actor?: string;
  readonly reason?: string;
  readonly rollbackPoint?: string;
  /** The run kept no record of the write commands: they look like those of others, and no undo is possible. */
  readonly unrecorded?: true;
  /** The rung of the rollback that began, or that led back to the rollback point. */
  readonly rung?: string;
}

/** What a writer says; the rest is filled in. */
export type NewEntry = Pick<JournalEntry, 'file' | 'state'> &
  Partial<Pick<JournalEntry, 'hash' | 'milliseconds' | 'effects' | 'error' | 'actor' | 'reason' | 'rung' | 'direction'>>;

export interface Journal {
  /** Confirms the lock, then adds the entry: confirmed by a majority, unless its loss would only make the next run more careful. */
  append(entry: NewEntry): Promise<JournalEntry>;
  /** As `append`, with a `commit` of its own; the step after it is kept free for that entry. */
  begin(entry: NewEntry): Promise<JournalEntry & { readonly commit: string }>;
}

export interface JournalOptions {
  readonly db: Db;
  readonly lock: { readonly fence: number; confirm(): Promise<void> };
  /** URL of the run. */
  readonly run: string;
  readonly now: () => Date;
  /** Id of the rollback point of this run, kept with every entry. */
  readonly rollbackPoint?: string | undefined;
  /** Whether this run keeps no record of the write commands; default false. */
  readonly unrecorded?: boolean;
}

/**
 * Without FINISHED a file counts as half-done, without APPLIED the history still has it. The next write of the run, at the latest the
 * release of the lock, is confirmed by a majority, and with it all that the same oplog holds before.
 */
const confirmedLater: ReadonlySet<JournalState> = new Set(['FINISHED', 'APPLIED']);

/** The journal of one run, under its lock. */
export function openJournal({ db, lock, run, now, rollbackPoint, unrecorded = false }: JournalOptions): Journal {
  let step = 0;
  const write = async <T extends object>(entry: NewEntry & T): Promise<JournalEntry & T> => {
    await lock.confirm();
    step += 1;
    const point = { ...(rollbackPoint === undefined ? {} : { rollbackPoint }), ...(unrecorded ? { unrecorded } : {}) };
    const document = { ...entry, at: now(), run, fence: lock.fence, step, ...point };
    try {
      const w = confirmedLater.has(entry.state) ? 1 : 'majority';
      await db.collection(journalCollection).insertOne({ ...document }, { writeConcern: { w } });
      return document;
    } catch (error) {
      throw fromMongoError(error, `Writing the journal of ${db.databaseName}`);
    }
  };
  return {
    append: (entry) => write(entry),
    begin: async (entry) => {
      const written = await write({ ...entry, commit: `commit/${randomUUID()}` });
      step += 1;
      return written;
    },
  };
}

/** The last entry of every file, by file name. */
export async function readJournal(db: Db): Promise<ReadonlyMap<string, JournalEntry>> {
  try {
    const entries = await db
      .collection(journalCollection)
      .find<JournalEntry>(
        { state: { $ne: 'CHECKPOINT' } },
        { projection: { _id: 0 }, sort: { fence: 1, step: 1 }, readPreference: 'primary' },
      )
      .toArray();
    return new Map(entries.map((entry) => [entry.file, entry]));
  } catch (error) {
    throw fromMongoError(error, `Reading the journal of ${db.databaseName}`);
  }
}

/** All entries of the runs that named a rollback point, in their order. */
export async function readJournalOf(db: Db, rollbackPoint: string): Promise<readonly JournalEntry[]> {
  try {
    return await db
      .collection(journalCollection)
      .find<JournalEntry>({ rollbackPoint }, { projection: { _id: 0 }, sort: { fence: 1, step: 1 }, readPreference: 'primary' })
      .toArray();
  } catch (error) {
    throw fromMongoError(error, `Reading the journal of ${db.databaseName}`);
  }
}

/** How far the walks of the batch helper came in one file, for people: `orders: 30,000 documents`; empty without walks. */
export async function describeCheckpoints(db: Db, file: string): Promise<string> {
  try {
    const found = await db
      .collection(journalCollection)
      .find({ state: 'CHECKPOINT', file }, { projection: { batch: 1, documents: 1 }, readPreference: 'primary' })
      .toArray();
    return found.map(({ batch, documents }) => `${String(batch)}: ${Number(documents).toLocaleString('en')} documents`).join(', ');
  } catch (error) {
    throw fromMongoError(error, `Reading the journal of ${db.databaseName}`);
  }
}

/** The hashes with which files ran, from their last entries. */
export function appliedHashes(journal: ReadonlyMap<string, JournalEntry>): ReadonlyMap<string, string> {
  return new Map(
    [...journal.values()].flatMap(({ file, state, hash }): [string, string][] =>
      state !== 'STARTED' && hash !== undefined ? [[file, hash]] : [],
    ),
  );
}
