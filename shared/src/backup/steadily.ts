import { GuardError } from '../errors/guard-error.ts';
import { isRetryable } from '../errors/mongo-errors.ts';
import type { Log } from '../log/log.ts';

/** How often something that only reads is tried. Each try waits for a primary by itself, so that a fail-over fits in between. */
export const readAttempts = 4;

/** Whether another try may go through: a fail-over, a lost connection, no server that answered in time. */
export function mayHeal(error: unknown): boolean {
  if (error instanceof GuardError) return error.code === 'server/interrupted' || error.code === 'target/unreachable';
  return isRetryable(error) || (error as Error | null)?.name === 'MongoServerSelectionError';
}

export interface SteadyOptions {
  /** What is done, for example `Listing the collections`. */
  readonly doing: string;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
}

/** Does something that only reads, and again when the connection or the primary was lost. Throws what the last try throws. */
export async function steadily<T>({ doing, log, signal }: SteadyOptions, read: () => Promise<T>): Promise<T> {
  for (let number = 1; ; number++) {
    try {
      return await read();
    } catch (error) {
      signal?.throwIfAborted();
      if (number === readAttempts || !mayHeal(error)) throw error;
      log.warning(`${doing}: the connection or the primary was lost. It is tried again.`);
    }
  }
}
