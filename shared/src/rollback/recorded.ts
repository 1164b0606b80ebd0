import type { Db } from 'mongodb';
import { fromMongoError } from '../errors/mongo-errors.ts';
import type { JournalEntry } from '../migration/journal.ts';
import { writesCollection } from '../migration/writes-record.ts';

/**
 * A file of `files` of whose run no write was recorded: without the record its writes look like those of others. Throws the errors of
 * `fromMongoError`.
 */
export async function findUnrecorded(
  db: Db,
  files: readonly string[],
  journal: ReadonlyMap<string, Pick<JournalEntry, 'run' | 'unrecorded'>>,
): Promise<string | undefined> {
  try {
    const begun = await db.collection(writesCollection).distinct('run', { kind: 'begin' });
    const runs = new Set<unknown>(begun);
    return files.find((file) => journal.get(file)?.unrecorded === true || !runs.has(journal.get(file)?.run));
  } catch (error) {
    throw fromMongoError(error, `Reading the record of writes of ${db.databaseName}`);
  }
}
