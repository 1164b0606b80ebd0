import { openHistory } from '@migration-guard/shared/migration/history/open';
import { readJournal, type Journal, type NewEntry } from '@migration-guard/shared/migration/journal';
import type { Subject } from './subject.ts';

/** Files that were applied or begun after the rollback point, by changelog and journal, newest first. To be asked before the rollback. */
export async function touchedMigrations({ db, point }: Subject): Promise<readonly string[]> {
  const history = openHistory({ kind: point.historyKind ?? 'migrate-mongo', collection: point.changelog });
  const applied = (await history.read(db)).map(({ fileName }) => fileName);
  const journal = await readJournal(db);
  const begun = [...journal.values()].filter(({ state, at }) => state !== 'ROLLED_BACK' && at.toISOString() >= point.createdAt);
  const later = [...applied, ...begun.map(({ file }) => file)].filter((file) => !point.history.includes(file));
  return [...new Set(later)].toReversed();
}

/** Writes down how the rollback ended for each of `files`. */
export async function recordRolledBack(journal: Journal, files: readonly string[], entry: Omit<NewEntry, 'file'>): Promise<void> {
  for (const file of files) await journal.append({ ...entry, file });
}
