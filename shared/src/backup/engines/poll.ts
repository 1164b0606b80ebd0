import { setTimeout as sleep } from 'node:timers/promises';
import { GuardError } from '../../errors/guard-error.ts';

export interface Patience {
  /** Between two questions, milliseconds. */
  readonly interval: number;
  /** For the whole work, milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/**
 * Asks again and again until there is an answer. `doing` names what is waited for. Throws `engine/timeout`, the reason of the signal, and
 * what `ask` throws.
 */
export async function poll<T>(doing: string, { interval, timeout, signal }: Patience, ask: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + timeout;
  for (;;) {
    signal.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() + interval > end)
      throw new GuardError('engine/timeout', `${doing} did not end within ${Math.round(timeout / 60_000)} minutes.`);
    await sleep(interval, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
