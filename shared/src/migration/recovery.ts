import { changedNothing, describeEffects } from './effects.ts';
import type { JournalEntry } from './journal.ts';

/** A file that an earlier run left half-done. */
export interface HalfDone {
  readonly file: string;
  readonly entry: JournalEntry;
  /** What is known and what is not, without full stop. */
  readonly known: string;
  readonly unknown: string;
}

export interface Recovery {
  /** Their `up` had ended, only the record in the history is missing: to be recorded, not to be run. */
  readonly finished: readonly JournalEntry[];
  /** Nobody can tell whether they may run. */
  readonly halfDone: readonly HalfDone[];
}

/**
 * What earlier runs left behind of the `pending` files, by the last journal entry of each. A failed or interrupted file that is known to
 * have changed nothing simply runs again, and so does one whose writes were rolled back; `mayRunAgain` names those that are idempotent.
 */
export function recover(
  pending: readonly string[],
  journal: ReadonlyMap<string, JournalEntry>,
  mayRunAgain: (file: string) => boolean,
): Recovery {
  const entries = pending.map((file) => journal.get(file)).filter((entry) => entry !== undefined);
  return {
    finished: entries.filter(({ state }) => state === 'FINISHED'),
    halfDone: entries
      .filter(isHalfDone)
      .filter(({ file }) => !mayRunAgain(file))
      .map(explain),
  };
}

/** The files that an earlier run began and did not end: what they kept of their progress counts. */
export function resumable(pending: readonly string[], journal: ReadonlyMap<string, JournalEntry>): ReadonlySet<string> {
  const begun = new Set<JournalEntry['state'] | undefined>(['STARTED', 'FAILED', 'INTERRUPTED']);
  return new Set(pending.filter((file) => begun.has(journal.get(file)?.state)));
}

type HalfDoneEntry = JournalEntry & { readonly state: 'STARTED' | 'FAILED' | 'INTERRUPTED' | 'ROLLING_BACK' | 'ROLLBACK_FAILED' };

function isHalfDone(entry: JournalEntry): entry is HalfDoneEntry {
  const { state, effects } = entry;
  if (state === 'STARTED' || state === 'ROLLING_BACK' || state === 'ROLLBACK_FAILED') return true;
  return (state === 'FAILED' || state === 'INTERRUPTED') && (effects === undefined || !changedNothing(effects));
}

function explain(entry: HalfDoneEntry): HalfDone {
  const { file, state, at, run, effects } = entry;
  const done = effects === undefined ? 'unknown writes' : describeEffects(effects);
  const when = `${at.toISOString()} by ${run}`;
  const knownAs = {
    STARTED: `${file} was started${entry.commit === undefined ? '' : ' in a transaction'} at ${when}, and that run was killed before it could write down an end`,
    ROLLING_BACK: `the rollback of ${file} began at ${when}, and that run was killed before it could write down an end`,
    ROLLBACK_FAILED: `the rollback of ${file} failed at ${when}`,
    FAILED: `${file} failed at ${when}, after ${done}`,
    INTERRUPTED: `${file} was interrupted at ${when}, after ${done}`,
  } as const;
  const unknown =
    state === 'STARTED' || state === 'ROLLING_BACK' || state === 'ROLLBACK_FAILED'
      ? `how much of ${file} is in the data`
      : `whether ${file} may run again from its beginning`;
  return { file, entry, known: knownAs[state], unknown };
}
