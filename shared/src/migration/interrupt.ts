import type { MongoClient } from 'mongodb';
import { GuardError } from '../errors/guard-error.ts';
import type { Log } from '../log/log.ts';
import { describeEffects } from './effects.ts';
import { stopOperations } from './operations.ts';
import type { CallResult, Requests } from './worker/protocol.ts';
import type { Worker } from './worker.ts';

/** How long a migration may go on after a cancel, to end by itself: the runner leaves 7.5 s for everything. */
const graceMilliseconds = 2_500;
const progressMilliseconds = 10_000;

export interface InterruptibleOptions {
  readonly worker: Worker;
  readonly question: Requests['call']['ask'];
  /** A connection of ours, to stop what a killed migration left running on the server. */
  readonly client: MongoClient;
  /** That of the migration's own connection. */
  readonly appName: string;
  readonly log: Log;
  readonly cancel: AbortSignal;
  readonly lost: AbortSignal;
  readonly timeout: AbortSignal | undefined;
}

/**
 * Runs one file. When the lock is lost or the time is up, the process of the migration is killed and its operations are stopped on the
 * server; after a cancel it first gets a short time to end by itself.
 */
export async function interruptible(options: InterruptibleOptions): Promise<CallResult & { readonly interrupted?: GuardError }> {
  const { worker, question, client, appName, log } = options;
  const startedAt = performance.now();
  const progress = setInterval(() => {
    const elapsed = Math.round((performance.now() - startedAt) / 1_000);
    log.info(`… ${question.name} is running for ${elapsed} s: ${describeEffects(worker.effects())}`);
  }, progressMilliseconds);
  const reasonToStop = listen(options);
  try {
    const ended = await Promise.race([worker.call(question), reasonToStop.reason]);
    if (!(ended instanceof GuardError)) return ended;
    const effects = worker.effects();
    await worker.kill();
    await stopOperations(client, appName, log);
    return { effects, unawaited: 0, interrupted: ended };
  } finally {
    clearInterval(progress);
    reasonToStop.close();
  }
}

interface Listening {
  readonly reason: Promise<GuardError>;
  close(): void;
}

function listen({ cancel, lost, timeout, question }: InterruptibleOptions): Listening {
  const controller = new AbortController();
  const timers: NodeJS.Timeout[] = [];
  const reason = new Promise<GuardError>((resolve) => {
    const once = { once: true, signal: controller.signal };
    const on = (signal: AbortSignal, then: () => void): void => {
      if (signal.aborted) then();
      else signal.addEventListener('abort', then, once);
    };
    on(cancel, () => timers.push(setTimeout(() => resolve(cancel.reason as GuardError), graceMilliseconds)));
    on(lost, () => resolve(lost.reason as GuardError));
    if (timeout !== undefined)
      on(timeout, () => resolve(new GuardError('run/timeout', `${question.name} did not end within the time limit and was stopped.`)));
  });
  return {
    reason,
    close: () => {
      controller.abort();
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
