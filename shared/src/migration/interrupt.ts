import type { MongoClient } from 'mongodb';
import { GuardError } from '../errors/guard-error.ts';
import type { Log } from '../log/log.ts';
import { describeEffects } from './effects.ts';
import { stopOperations } from './operations.ts';
import type { BatchProgress, CallResult, Requests } from './worker/protocol.ts';
import type { Worker } from './worker.ts';

/** How long a migration may go on after a cancel, to end by itself: the runner leaves 7.5 s for everything. */
const graceMilliseconds = 2_500;
const progressMilliseconds = 10_000;
const batchMilliseconds = 1_000;

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
  readonly fileTimeout: AbortSignal | undefined;
  /** How many files are still to be run after this one. */
  readonly left: number;
  readonly onBatch: ((batch: BatchProgress) => void) | undefined;
}

export type Interrupted = CallResult & { readonly interrupted?: GuardError };

/**
 * Runs one file. When the lock is lost or the time is up, the process of the migration is killed and its operations are stopped on the
 * server; after a cancel it first gets a short time to end by itself.
 */
export async function interruptible(options: InterruptibleOptions): Promise<Interrupted> {
  const { worker, question, client, appName, log, cancel, left } = options;
  const startedAt = performance.now();
  const progress = setInterval(() => {
    const elapsed = Math.round((performance.now() - startedAt) / 1_000);
    const pending = left === 0 ? 'the last one' : `${left} more pending`;
    log.info(`… ${question.name} is running for ${elapsed} s: ${describeEffects(worker.effects())}; ${pending}`);
    for (const batch of worker.batches()) log.info(`… ${describeBatch(batch)}`);
  }, progressMilliseconds);
  const follow = setInterval(() => worker.batches().forEach((batch) => options.onBatch?.(batch)), batchMilliseconds);
  const reasonToStop = listen(options);
  try {
    const ended = await Promise.race([worker.call(question), reasonToStop.reason]);
    if (!(ended instanceof GuardError)) {
      // A file that ended with an error after a cancel gave up because of it.
      return cancel.aborted && ended.fault !== undefined ? { ...ended, interrupted: cancel.reason as GuardError } : ended;
    }
    const effects = worker.effects();
    await worker.kill();
    await stopOperations(client, appName, log);
    return { effects, unawaited: [], interrupted: ended };
  } finally {
    clearInterval(progress);
    clearInterval(follow);
    reasonToStop.close();
  }
}

interface Listening {
  readonly reason: Promise<GuardError>;
  close(): void;
}

function listen({ worker, cancel, lost, timeout, fileTimeout, question }: InterruptibleOptions): Listening {
  const controller = new AbortController();
  const timers: NodeJS.Timeout[] = [];
  const reason = new Promise<GuardError>((resolve) => {
    const once = { once: true, signal: controller.signal };
    const on = (signal: AbortSignal, then: () => void): void => {
      if (signal.aborted) then();
      else signal.addEventListener('abort', then, once);
    };
    on(cancel, () => {
      worker.ask('cancel', { reason: 'the run was cancelled' }).catch(() => undefined);
      timers.push(setTimeout(() => resolve(cancel.reason as GuardError), graceMilliseconds));
    });
    on(lost, () => resolve(lost.reason as GuardError));
    if (timeout !== undefined) on(timeout, () => resolve(timeoutError(question.name, 'the time limit of all files (`timeout`)')));
    if (fileTimeout !== undefined) on(fileTimeout, () => resolve(timeoutError(question.name, 'the time limit of a file (`file-timeout`)')));
  });
  return {
    reason,
    close: () => {
      controller.abort();
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

function timeoutError(name: string, limit: string): GuardError {
  return new GuardError('run/timeout', `${name} did not end within ${limit} and was stopped.`);
}

/** For people: `orders: 12,000 of 100,000 documents (12 %), about 3 min left`. */
export function describeBatch({ name, done, total, millisecondsLeft, waiting }: BatchProgress): string {
  const count = (documents: number): string => documents.toLocaleString('en');
  const percent = total === undefined || total === 0 ? '' : ` (${Math.min(100, Math.floor((100 * done) / total))} %)`;
  const documents =
    total === undefined ? `${count(done)} documents` : `${count(done)} of ${count(Math.max(total, done))} documents${percent}`;
  const left = millisecondsLeft === undefined ? '' : `, about ${timeLeft(millisecondsLeft)} left`;
  return `${name}: ${documents}${left}${waiting === undefined ? '' : `; waiting: ${waiting}`}`;
}

function timeLeft(milliseconds: number): string {
  return milliseconds < 90_000 ? `${Math.ceil(milliseconds / 1_000)} s` : `${Math.ceil(milliseconds / 60_000)} min`;
}
