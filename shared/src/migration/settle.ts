import type { Db } from 'mongodb';
import { fromMongoError, serverCode } from '../errors/mongo-errors.ts';
import type { Log } from '../log/log.ts';
import { journalCollection, readJournal, type JournalEntry } from './journal.ts';
import type { Lock } from './lock.ts';

/** A file whose transaction may have been committed, with where the entry that says no would stand. */
export type OpenCommit = JournalEntry & { readonly commit: string };

/**
 * Whether a transaction was committed, as certain as the server can tell. Its last write is a document of a known `_id`: when we can write
 * that document ourselves, the transaction did not, and can never be committed any more; an open one makes us wait for its end.
 */
export async function settleCommit(db: Db, { commit, ...entry }: OpenCommit): Promise<'committed' | 'aborted'> {
  const journal = db.collection(journalCollection);
  try {
    await journal.insertOne({ _id: commit as never, ...entry, state: 'ABORTED' }, { writeConcern: { w: 'majority' } });
    return 'aborted';
  } catch (error) {
    if (serverCode(error) !== 11000) throw fromMongoError(error, `Asking whether ${entry.file} was committed`);
    const found = await journal.findOne({ _id: commit as never }, { readPreference: 'primary' });
    return found?.['state'] === 'FINISHED' ? 'committed' : 'aborted';
  }
}

export interface SettleOptions {
  readonly db: Db;
  readonly names: readonly string[];
  readonly lock: Pick<Lock, 'confirm' | 'fence'>;
  readonly run: string;
  readonly now: () => Date;
  readonly log: Log;
}

/** The journal after the end of every transaction of `names` that a killed run left open. To be called under the lock. */
export async function settleJournal(
  journal: ReadonlyMap<string, JournalEntry>,
  { db, names, lock, run, now, log }: SettleOptions,
): Promise<ReadonlyMap<string, JournalEntry>> {
  const open = names.map((name) => journal.get(name)).filter((entry) => entry?.state === 'STARTED' && entry.commit !== undefined);
  for (const entry of open as readonly OpenCommit[]) {
    log.info(`Asking whether the transaction of ${entry.file} was committed; that can take as long as the server keeps it open (60 s) …`);
    await lock.confirm();
    // Before the entries of this run, which count their steps from 1.
    const end = await settleCommit(db, { ...entry, run, fence: lock.fence, step: 0, at: now() });
    log.notice(`The transaction of ${entry.file}, begun in ${entry.run}, was ${end}.`);
  }
  return open.length === 0 ? journal : readJournal(db);
}
