import { ObjectId, type Db } from 'mongodb';
import { fromMongoError } from '../errors/mongo-errors.ts';
import type { Effects } from './effects.ts';

export const journalCollection = 'migration_journal';

/**
 * STARTED is written before the first write of a file, FINISHED when its `up` has returned, APPLIED when the history holds it.
 * INTERRUPTED: ended by cancel, timeout or a lost lock. A file whose last entry is STARTED was being run by a process that was killed.
 * ROLLING_BACK: a rung of a rollback has begun; it is the last entry of a file whose rollback was killed.
 */
export type JournalState =
  'STARTED' | 'FINISHED' | 'APPLIED' | 'FAILED' | 'INTERRUPTED' | 'ROLLING_BACK' | 'ROLLED_BACK' | 'ROLLBACK_FAILED';

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
  readonly rollbackPoint?: string;
  /** The rung of the rollback that began, or that led back to the rollback point. */
  readonly rung?: string;
}

/** What a writer says; the rest is filled in. */
export type NewEntry = Pick<JournalEntry, 'file' | 'state'> &
  Partial<Pick<JournalEntry, 'hash' | 'milliseconds' | 'effects' | 'error' | 'rung'>>;

export interface Journal {
  /** Confirms the lock, then adds the entry, confirmed by a majority. */
  append(entry: NewEntry): Promise<void>;
}

export interface JournalOptions {
  readonly db: Db;
  readonly lock: { readonly fence: number; confirm(): Promise<void> };
  /** URL of the run. */
  readonly run: string;
  readonly now: () => Date;
  /** Id of the rollback point of this run, kept with every entry. */
  readonly rollbackPoint?: string | undefined;
}

/** The journal of one run, under its lock. */
export function openJournal({ db, lock, run, now, rollbackPoint }: JournalOptions): Journal {
  let step = 0;
  return {
    append: async (entry) => {
      await lock.confirm();
      step += 1;
      const point = rollbackPoint === undefined ? {} : { rollbackPoint };
      const document: JournalEntry = { ...entry, at: now(), run, fence: lock.fence, step, ...point };
      try {
        await db.collection(journalCollection).insertOne({ _id: new ObjectId(), ...document }, { writeConcern: { w: 'majority' } });
      } catch (error) {
        throw fromMongoError(error, `Writing the journal of ${db.databaseName}`);
      }
    },
  };
}

/** The last entry of every file, by file name. */
export async function readJournal(db: Db): Promise<ReadonlyMap<string, JournalEntry>> {
  try {
    const entries = await db
      .collection(journalCollection)
      .find<JournalEntry>({}, { projection: { _id: 0 }, sort: { fence: 1, step: 1 }, readPreference: 'primary' })
      .toArray();
    return new Map(entries.map((entry) => [entry.file, entry]));
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
