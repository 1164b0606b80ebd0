import type { Worker } from './worker.ts';

export interface TimeLimit {
  readonly worker: Pick<Worker, 'kill'>;
  /** Milliseconds. */
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
}

/** What `work` comes to, or `late`: then the worker, which may hang in code of the project, is killed. Throws the reason of `signal`. */
export async function endsInTime<T>(work: Promise<T>, { worker, limit, signal }: TimeLimit): Promise<T | 'late'> {
  const stop = AbortSignal.any([AbortSignal.timeout(limit), ...(signal === undefined ? [] : [signal])]);
  const stopped = new Promise<'late'>((resolve) => stop.addEventListener('abort', () => resolve('late'), { once: true }));
  const end = await Promise.race([work, stopped]);
  if (end === 'late') await worker.kill();
  signal?.throwIfAborted();
  return end;
}
