import { GuardError } from '../errors/guard-error.ts';
import type { Log } from '../log/log.ts';

/**
 * The runner sends SIGINT, 7.5 s later SIGTERM, 2.5 s later kills (actions/runner src/Runner.Sdk/ProcessInvoker.cs): outputs and report
 * must be written before the second signal.
 */
const graceMilliseconds = 6_000;

export interface Cancellation {
  readonly signal: AbortSignal;
  /** Settles (by rejection) only when a cancelled story has not ended in time. */
  readonly overdue: Promise<never>;
}

/** Turns the first SIGINT or SIGTERM into an abort of `signal`; a second one ends the process at once. */
export function listenForCancel(log: Log): Cancellation {
  const controller = new AbortController();
  const overdue = new Promise<never>((_resolve, reject) => {
    const cancel = (name: NodeJS.Signals): void => {
      if (controller.signal.aborted) process.exit(130);
      const reason = new GuardError('run/cancelled', `The run was cancelled (${name}).`);
      log.warning(`${name} received: stopping at the next safe point. A second signal stops at once.`);
      controller.abort(reason);
      setTimeout(() => reject(reason), graceMilliseconds).unref();
    };
    process.on('SIGINT', cancel);
    process.on('SIGTERM', cancel);
  });
  overdue.catch(() => undefined);
  return { signal: controller.signal, overdue };
}
