import { GuardError } from '../errors/guard-error.ts';
import { serverCode } from '../errors/mongo-errors.ts';
import { ChangedUnderneath } from './changed.ts';
import type { CreateOptions } from './create-options.ts';
import type { ConsistencyKind } from './manifest.ts';
import { SnapshotTooShort } from './snapshot-window.ts';
import { take, type Attempt, type Taken } from './take.ts';

/** How often a backup is begun again because collections changed under it. */
const attempts = 3;
const snapshotTooOld = 239;

export interface Attempts extends Pick<Attempt, 'id' | 'databases'> {
  /** The kinds of consistency to try, the strongest first. */
  readonly ladder: readonly ConsistencyKind[];
}

/**
 * Takes the documents with the strongest consistency that works out. Of each kind it is tried again where another moment may do; the next
 * kind is taken where only that one helps. Throws what `take` throws, and `backup/schema-changed`.
 */
export async function takeInAttempts(options: CreateOptions, { id, databases, ladder }: Attempts): Promise<Taken> {
  let because: string | undefined;
  for (const [index, kind] of ladder.entries()) {
    const next = ladder[index + 1];
    try {
      const taken = await takeOfKind(options, { id, databases, kind, weaker: ladder.slice(index + 1) });
      const reason = taken.consistency.because ?? because;
      return reason === undefined ? taken : { ...taken, consistency: { ...taken.consistency, because: reason } };
    } catch (error) {
      const why = whyWeaker(error);
      if (why === undefined || next === undefined) throw plain(error);
      options.log.warning(`${why} The backup is taken anew, with consistency ${next}.`);
      because = why;
      await options.store.remove(id);
    }
  }
  throw new GuardError('backup/consistency-refused', 'The server offers no kind of consistency.');
}

async function takeOfKind(options: CreateOptions, attempt: Attempt): Promise<Taken> {
  for (let number = 1; ; number++) {
    try {
      return await take(options, attempt);
    } catch (error) {
      const why = whyAgain(error);
      if (why === undefined) throw error;
      if (number === attempts)
        throw new GuardError('backup/schema-changed', `${why} This happened in ${attempts} attempts.`, { cause: error });
      options.log.warning(`${why} The backup begins again (attempt ${number + 1} of ${attempts}).`);
      await options.store.remove(attempt.id);
    }
  }
}

/** Another moment may do: a snapshot before the last change of a definition, for example, is read at a later time. */
function whyAgain(error: unknown): string | undefined {
  if (error instanceof ChangedUnderneath) return error.message;
  return isUnavailable(error) && !isTooOld(error) ? error.message : undefined;
}

/** Only a weaker kind of consistency helps. */
function whyWeaker(error: unknown): string | undefined {
  if (error instanceof SnapshotTooShort || isTooOld(error)) return (error as Error).message;
  if (!(error instanceof GuardError)) return undefined;
  return error.code === 'backup/schema-changed' || error.code === 'backup/oplog-rolled-over' ? error.message : undefined;
}

function isUnavailable(error: unknown): error is GuardError {
  return error instanceof GuardError && error.code === 'server/snapshot-unavailable';
}

function isTooOld(error: unknown): boolean {
  return isUnavailable(error) && serverCode(error.cause) === snapshotTooOld;
}

function plain(error: unknown): unknown {
  return error instanceof SnapshotTooShort ? new GuardError('server/snapshot-unavailable', error.message, { cause: error }) : error;
}
