import { setTimeout as sleep } from 'node:timers/promises';
import { UUID, type Document, type MongoClient } from 'mongodb';
import { GuardError, toError } from '../../errors/guard-error.ts';
import type { Log } from '../../log/log.ts';
import { stopOperations } from '../../migration/operations.ts';

export interface StopOptions {
  readonly database: string;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const pause = 500;
const mostAttempts = 60;

/**
 * Waits until nothing of a killed migration runs on the server: what it still writes would be taken for writes of others. Throws
 * `rollback/undo-incomplete` when the server does not end it within half a minute.
 */
export async function stopMigrations(client: MongoClient, { database, log, signal }: StopOptions): Promise<void> {
  for (let attempt = 1; (await stopOperations(client, leftRunning(database), log)) > 0; attempt++) {
    if (attempt === mostAttempts)
      throw new GuardError('rollback/undo-incomplete', `The server does not end what a killed migration left running in ${database}.`);
    await sleep(pause, undefined, { signal });
  }
}

/** Their connections are named with the holder of the lock and the fencing number. */
function leftRunning(database: string): Document {
  return { appName: /^migration-guard\/.+\/\d+$/, ns: { $gte: `${database}.`, $lt: `${database}/` } };
}

/** The transactions of a killed undo would hold its documents for a minute. */
export async function endSessions(client: MongoClient, sessions: ReadonlySet<string>, log: Log): Promise<void> {
  if (sessions.size === 0) return;
  const ids = [...sessions].map((session) => ({ id: new UUID(session) }));
  await client
    .db('admin')
    .command({ killSessions: ids })
    .catch((error: unknown) => log.warning(`Transactions of an earlier undo may still be open, for a minute: ${toError(error).name}.`));
}
