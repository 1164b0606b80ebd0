import { changedNothing, describeEffects } from './effects.ts';
import type { JournalEntry } from './journal.ts';

/** A file that an earlier run left half-done. */
export interface HalfDone {
  readonly file: string;
  readonly entry: JournalEntry;
  /** What is known and what is not, one sentence each. */
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
    halfDone: entries.filter((entry) => isHalfDone(entry) && !mayRunAgain(entry.file)).map(explain),
  };
}

function isHalfDone({ state, effects }: JournalEntry): boolean {
  switch (state) {
    case 'STARTED':
    case 'ROLLBACK_FAILED':
      return true;
    case 'FAILED':
    case 'INTERRUPTED':
      return effects === undefined || !changedNothing(effects);
    case 'FINISHED':
    case 'APPLIED':
    case 'ROLLED_BACK':
      return false;
  }
}

function explain(entry: JournalEntry): HalfDone {
  const { file, state, at, run, effects } = entry;
  const when = `${at.toISOString()} by ${run}`;
  switch (state) {
    case 'STARTED':
      return {
        file,
        entry,
        known: `${file} was started at ${when}, and that run was killed before it could write down an end.`,
        unknown: `How much of ${file} was done is not known.`,
      };
    case 'ROLLBACK_FAILED':
      return {
        file,
        entry,
        known: `The rollback of ${file} failed at ${when}.`,
        unknown: `How much of ${file} is still in the data is not known.`,
      };
    default:
      return {
        file,
        entry,
        known: `${file} ${state === 'FAILED' ? 'failed' : 'was interrupted'} at ${when}, after: ${effects === undefined ? 'unknown writes' : describeEffects(effects)}.`,
        unknown: `Whether ${file} can run again from its beginning is known only to its author.`,
      };
  }
}
