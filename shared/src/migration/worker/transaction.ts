import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientSession, CommandStartedEvent, Db, Document, MongoClient } from 'mongodb';
import type { CommitMarker } from './protocol.ts';
import { startedWrite } from './recorder.ts';
import { siteOf, type CallSite, type Sessions } from './sessions.ts';

/** How a transaction ended. `unknown`: the commit was sent and never answered. */
export type TransactionEnd = 'committed' | 'aborted' | 'unknown';

export interface TransactionOptions {
  readonly client: MongoClient;
  readonly db: Db;
  readonly sessions: Sessions;
  /** Written as the last thing in the transaction: it is there if, and only if, the transaction was committed. */
  readonly marker: CommitMarker;
  /** What `marker` does not hold yet, asked for right before it is written. */
  readonly complete: () => Document;
  readonly folder: string;
  /** Called before each further attempt, with the number of the one that failed and why. */
  readonly onRetry: (attempt: number, reason: string) => void;
}

export interface TransactionResult {
  readonly end: TransactionEnd;
  readonly error?: unknown;
}

/** Writes that were sent outside of the transaction. */
export class OutsideTransaction extends Error {
  readonly site: CallSite | undefined;

  constructor(command: string, site: CallSite | undefined) {
    super(`a write (${command}) was sent outside of the transaction`);
    this.site = site;
  }
}

/** As the driver's `withTransaction` has it. */
const retryMilliseconds = 120_000;
const attempts = 5;

/**
 * Runs `body` in one transaction. When the server aborts it for a passing reason (`TransientTransactionError`) everything is run again:
 * what was aborted left nothing behind. The commit is sent again as long as its result is unknown.
 */
export async function inTransaction(
  options: TransactionOptions,
  body: (session: ClientSession) => Promise<void>,
): Promise<TransactionResult> {
  const deadline = performance.now() + retryMilliseconds;
  for (let attempt = 1; ; attempt++) {
    const session = options.client.startSession();
    const outside = watchOutside(options, session);
    try {
      const result = await attemptOnce(options, session, body);
      const stray = outside.found();
      if (stray !== undefined) return { end: result.end, error: stray };
      if (result.end !== 'aborted' || !hasLabel(result.error, 'TransientTransactionError')) return result;
      if (attempt >= attempts || performance.now() > deadline) return result;
      options.onRetry(attempt, nameOf(result.error));
      await sleep(2 ** attempt * 25);
    } finally {
      outside.stop();
      await session.endSession().catch(() => undefined);
    }
  }
}

async function attemptOnce(
  { db, sessions, marker, complete }: TransactionOptions,
  session: ClientSession,
  body: (session: ClientSession) => Promise<void>,
): Promise<TransactionResult> {
  const journal = db.collection(marker.collection);
  try {
    // With read concern snapshot, servers refuse to make even new collections and indexes in a transaction.
    session.startTransaction({ readConcern: { level: 'local' }, writeConcern: { w: 'majority' }, readPreference: 'primary' });
    // The first command opens the transaction; commands that a migration sends at once could otherwise reach the server before it.
    await journal.findOne({ _id: marker.id as never }, { session, projection: { _id: 1 } });
    await sessions.within(session, () => body(session));
    const { id, at, ...rest } = { ...marker.entry, id: marker.id };
    await journal.insertOne({ _id: id as never, ...rest, at: new Date(at), ...complete() }, { session });
  } catch (error) {
    await session.abortTransaction().catch(() => undefined);
    return { end: 'aborted', error };
  }
  return commit(session);
}

async function commit(session: ClientSession): Promise<TransactionResult> {
  const deadline = performance.now() + retryMilliseconds;
  for (;;) {
    try {
      await session.commitTransaction();
      return { end: 'committed' };
    } catch (error) {
      if (hasLabel(error, 'TransientTransactionError')) return { end: 'aborted', error };
      // Anything else may have been committed: whoever finds the marker knows.
      if (!hasLabel(error, 'UnknownTransactionCommitResult') || performance.now() > deadline) return { end: 'unknown', error };
      await sleep(100);
    }
  }
}

/** Finds writes of the client that do not belong to the transaction of `session`. */
function watchOutside({ client, folder }: TransactionOptions, session: ClientSession): { found(): Error | undefined; stop(): void } {
  let first: { readonly command: string; readonly trace: Error } | undefined;
  const own = idOf(session.id);
  const listen = (event: CommandStartedEvent): void => {
    if (startedWrite(event) === undefined) return;
    const { autocommit, lsid } = event.command as { autocommit?: boolean; lsid?: Document };
    if (autocommit !== false || idOf(lsid) !== own) first ??= { command: event.commandName, trace: new Error('call site') };
  };
  client.on('commandStarted', listen);
  return {
    found: () => (first === undefined ? undefined : new OutsideTransaction(first.command, siteOf(first.trace, folder))),
    stop: () => void client.off('commandStarted', listen),
  };
}

function idOf(lsid: Document | undefined): string {
  const { buffer } = (lsid?.['id'] ?? {}) as { readonly buffer?: Uint8Array };
  return Buffer.from(buffer ?? []).toString('hex');
}

/** Looks through the causes too: a migration may have wrapped the driver's error. */
function hasLabel(error: unknown, label: string): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth++) {
    if (((at as { errorLabels?: readonly string[] }).errorLabels ?? []).includes(label)) return true;
    const has = (at as { hasErrorLabel?: (label: string) => boolean }).hasErrorLabel;
    if (typeof has === 'function' && has.call(at, label)) return true;
  }
  return false;
}

function nameOf(error: unknown): string {
  const { codeName, code, name } = error as { codeName?: string; code?: number; name?: string };
  return code === undefined ? (name ?? 'error') : `${codeName ?? 'server error'} ${code}`;
}
