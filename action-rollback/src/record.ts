import { openHistory } from '@migration-guard/shared/migration/history/open';
import { readJournal, readJournalOf, type Journal, type JournalEntry, type NewEntry } from '@migration-guard/shared/migration/journal';
import type { Subject } from './subject.ts';

/** What the database says about the migrations since the rollback point, before anything is rolled back. */
export interface Records {
  /** Files that were applied or begun after the point, by history and journal, newest first; not those that are rolled back already. */
  readonly touched: readonly string[];
  /** The last entry of each file. */
  readonly journal: ReadonlyMap<string, JournalEntry>;
  /** The run that last began each file. */
  readonly runs: ReadonlyMap<string, Pick<JournalEntry, 'run' | 'unrecorded'>>;
  /** Files of which an earlier rollback to this point wrote something down, newest first. */
  readonly begun: readonly string[];
  /** Rungs that an earlier rollback to this point began. */
  readonly rungs: ReadonlySet<string>;
}

export async function readRecords({ db, point }: Subject): Promise<Records> {
  const history = openHistory({ kind: point.historyKind ?? 'migrate-mongo', collection: point.changelog });
  const applied = (await history.read(db)).map(({ fileName }) => fileName);
  const journal = await readJournal(db);
  const open = [...journal.values()].filter(({ state, at }) => state !== 'ROLLED_BACK' && at.toISOString() >= point.createdAt);
  const later = [...applied, ...open.map(({ file }) => file)].filter((file) => !point.history.includes(file));
  const ofPoint = await readJournalOf(db, point.id);
  const rollbacks = ofPoint.filter(({ state }) => state === 'ROLLING_BACK');
  return {
    touched: [...new Set(later)].toReversed(),
    journal,
    runs: new Map([...journal, ...ofPoint.filter(isUp).map((entry) => [entry.file, entry] as const)]),
    begun: [...new Set(rollbacks.map(({ file }) => file))],
    rungs: new Set(rollbacks.flatMap(({ rung }) => rung ?? [])),
  };
}

function isUp({ state, direction }: JournalEntry): boolean {
  return state === 'STARTED' && direction !== 'down';
}

/** Writes the same down for each of `files`. */
export async function recordEach(journal: Journal, files: readonly string[], entry: Omit<NewEntry, 'file'>): Promise<void> {
  for (const file of files) await journal.append({ ...entry, file });
}
