/** Milliseconds that a timer can hold, about 25 days; more would make it fire at once. */
const longest = 2 ** 31 - 1;

/** A signal that is aborted after `milliseconds`, and already is when there are none; fractions, which `AbortSignal.timeout` refuses, are rounded up. */
export function deadlineAfter(milliseconds: number): AbortSignal {
  if (milliseconds <= 0) return AbortSignal.abort(new DOMException('The time is up.', 'TimeoutError'));
  return AbortSignal.timeout(Math.min(Math.ceil(milliseconds), longest));
}
