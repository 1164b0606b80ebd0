import type { Db } from 'mongodb';
import type { History } from './history/history.ts';
import { readJournal, type JournalEntry } from './journal.ts';

/**
 * The last journal entry of every file, and for files that the journal does not know the failure that the history itself records: a
 * runner of the project's own may have failed before this one came.
 */
export async function readPast(db: Db, history: History): Promise<ReadonlyMap<string, JournalEntry>> {
  const journal = await readJournal(db);
  const run = `the runner that writes ${history.collection}`;
  const failed = [...(await history.failures(db))].map(([file, at]): [string, JournalEntry] => [
    file,
    { file, state: 'FAILED', at, run, fence: 0, step: 0 },
  ]);
  return new Map([...failed, ...journal]);
}
