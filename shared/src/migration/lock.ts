import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Collection, Db } from 'mongodb';
import { GuardError } from '../errors/guard-error.ts';
import { fromMongoError, isRetryable, serverCode } from '../errors/mongo-errors.ts';
import type { Log } from '../log/log.ts';

export const lockCollection = 'migration_lock';
export const lockId = 'migrations';
const pollMilliseconds = 500;
/** For this share of the lease after it was extended, measured from before the server was asked, nobody else can have the lock. */
const certain = 1 / 60;
/** Expiry of a lock that is kept. */
const never = new Date('9999-12-31T00:00:00Z');

interface LockDocument {
  readonly _id: string;
  /** URL of the run that holds or held the lock. */
  readonly owner: string;
  /** Random id of the holding process; runs of the same URL differ by it. */
  readonly holder: string;
  /** What the holder does, for people. */
  readonly purpose: string;
  /** Grows by one with every acquisition: a holder that was overtaken is recognised by its smaller number. */
  readonly fence: number;
  readonly acquiredAt: Date;
  /** By the clock of the server. In the past: the lock is free. */
  readonly expiresAt: Date;
  /** Why the lock is kept although its holder has ended. */
  readonly reason?: string;
}

/** Who holds the lock. */
export type LockState = Omit<LockDocument, '_id'>;

/** What is needed to release the lock from another process. */
export interface LockToken {
  readonly database: string;
  readonly holder: string;
  readonly fence: number;
}

export interface LockOptions {
  readonly db: Db;
  /** URL of the run. */
  readonly owner: string;
  readonly purpose: string;
  readonly log: Log;
  readonly signal?: AbortSignal;
  /** After a killed run the lock is free again after this long; default 60 s. The holder extends it at a third. */
  readonly leaseMilliseconds?: number;
  /** How long to wait for a lock that is held; default 0. */
  readonly waitMilliseconds?: number;
  /** Whether a lock that a failed rollback keeps may be taken over: for the next rollback only. */
  readonly takeKept?: boolean;
}

export interface Lock extends AsyncDisposable {
  readonly token: LockToken;
  readonly fence: number;
  /** Aborted, with `lock/lost` as reason, when the lease could not be extended in time. */
  readonly lost: AbortSignal;
  /** Makes sure that the lease is still ours, and extends it unless that was done just now. To be awaited right before each write. Throws `lock/lost`. */
  confirm(): Promise<void>;
  /** Keeps the lock after the end of this process, until a run that may takes it over. `release` does nothing then. Throws `lock/lost`. */
  keep(reason: string): Promise<void>;
  /** Safe to call twice. */
  release(): Promise<void>;
}

/**
 * Takes the lock of a database: one document, changed in one atomic step that compares its expiry with the clock of the server, so two
 * runners can never both get it. Throws `lock/held` with the owner and the expiry.
 */
export async function acquireLock(options: LockOptions): Promise<Lock> {
  const { db, owner, purpose, log, signal } = options;
  const lease = options.leaseMilliseconds ?? 60_000;
  const holder = randomUUID();
  const deadline = performance.now() + (options.waitMilliseconds ?? 0);
  const collection = documents(db);
  await ensureDocument(collection);
  for (;;) {
    signal?.throwIfAborted();
    const taken = await take(collection, { owner, purpose, holder, lease, takeKept: options.takeKept === true });
    if (taken !== undefined) return hold(collection, { holder, fence: taken, lease, log });
    const held = await readLock(db);
    if (performance.now() >= deadline || held?.reason !== undefined) throw heldError(db.databaseName, held);
    log.info(`Waiting for the lock of ${db.databaseName}, held by ${held?.owner ?? 'another run'} …`);
    await sleep(pollMilliseconds, undefined, signal === undefined ? {} : { signal });
  }
}

/** Who holds the lock of a database now, by the clock of the server. */
export async function readLock(db: Db): Promise<LockState | undefined> {
  try {
    const found = await documents(db).findOne({ _id: lockId, $expr: { $gt: ['$expiresAt', '$$NOW'] } }, { readPreference: 'primary' });
    return found ?? undefined;
  } catch (error) {
    throw fromMongoError(error, `Reading the lock of ${db.databaseName}`);
  }
}

/** Releases the lock if it is still the one of `token`: for the step after a process that died. Tells whether it was. */
export async function releaseToken(db: Db, { holder, fence }: Pick<LockToken, 'holder' | 'fence'>): Promise<boolean> {
  try {
    const { modifiedCount } = await documents(db).updateOne({ _id: lockId, holder, fence, $expr: { $gt: ['$expiresAt', '$$NOW'] } }, [
      { $set: { expiresAt: '$$NOW' } },
    ]);
    return modifiedCount === 1;
  } catch (error) {
    throw fromMongoError(error, `Releasing the lock of ${db.databaseName}`);
  }
}

/** The document stays for good: its number must not start again from the beginning. */
async function ensureDocument(collection: Collection<LockDocument>): Promise<void> {
  const free = { owner: '', holder: '', purpose: '', fence: 0, acquiredAt: new Date(0), expiresAt: new Date(0) };
  try {
    await collection.updateOne({ _id: lockId }, { $setOnInsert: free }, { upsert: true });
  } catch (error) {
    if (serverCode(error) !== 11000) throw fromMongoError(error, `Preparing the lock of ${collection.dbName}`);
  }
}

interface Taking {
  readonly owner: string;
  readonly purpose: string;
  readonly holder: string;
  readonly lease: number;
  readonly takeKept: boolean;
}

async function take(
  collection: Collection<LockDocument>,
  { owner, purpose, holder, lease, takeKept }: Taking,
): Promise<number | undefined> {
  const expiresAt = { $add: ['$$NOW', lease] };
  try {
    const taken = await collection.findOneAndUpdate(
      { _id: lockId, $or: [{ $expr: { $lte: ['$expiresAt', '$$NOW'] } }, ...(takeKept ? [{ reason: { $exists: true } }] : [])] },
      [
        {
          $set: {
            owner: { $literal: owner },
            purpose: { $literal: purpose },
            holder,
            fence: { $add: ['$fence', 1] },
            acquiredAt: '$$NOW',
            expiresAt,
          },
        },
        { $unset: 'reason' },
      ],
      { returnDocument: 'after' },
    );
    return taken?.fence;
  } catch (error) {
    // Two runners that meet at the same instant: one of them wins, the other sees a held lock.
    if (serverCode(error) === 112) return undefined;
    throw fromMongoError(error, `Taking the lock of ${collection.dbName}`);
  }
}

interface Held {
  readonly holder: string;
  readonly fence: number;
  readonly lease: number;
  readonly log: Log;
}

function hold(collection: Collection<LockDocument>, { holder, fence, lease, log }: Held): Lock {
  const lost = new AbortController();
  let extendedAt = performance.now();
  let released: Promise<void> | undefined;
  const extendNow = async (): Promise<void> => {
    lost.signal.throwIfAborted();
    const startedAt = performance.now();
    if (await extend(collection, { holder, fence, lease })) extendedAt = startedAt;
    else lost.abort(lostError(collection.dbName));
    lost.signal.throwIfAborted();
  };
  const confirm = async (): Promise<void> => {
    lost.signal.throwIfAborted();
    if (performance.now() - extendedAt >= lease * certain) await extendNow();
  };
  const beat = async (): Promise<void> => {
    try {
      await extendNow();
    } catch (error) {
      if (lost.signal.aborted) return;
      log.warning(`The lock of ${collection.dbName} could not be extended${isRetryable(error) ? '; trying again' : ''}.`);
      if (performance.now() - extendedAt >= lease) lost.abort(lostError(collection.dbName));
    }
  };
  const timer = setInterval(() => void beat(), lease / 3);
  timer.unref();
  const keep = async (reason: string): Promise<void> => {
    clearInterval(timer);
    await extendNow();
    extendedAt = -Infinity;
    released ??= Promise.resolve();
    await keepDocument(collection, { holder, fence, reason });
  };
  const release = (): Promise<void> => {
    clearInterval(timer);
    extendedAt = -Infinity;
    return (released ??= releaseToken(collection.db, { holder, fence }).then(() => undefined));
  };
  return {
    token: { database: collection.dbName, holder, fence },
    fence,
    lost: lost.signal,
    confirm,
    keep,
    release,
    [Symbol.asyncDispose]: release,
  };
}

async function extend(
  collection: Collection<LockDocument>,
  { holder, fence, lease }: { readonly holder: string; readonly fence: number; readonly lease: number },
): Promise<boolean> {
  try {
    const { matchedCount } = await collection.updateOne({ _id: lockId, holder, fence, $expr: { $gt: ['$expiresAt', '$$NOW'] } }, [
      { $set: { expiresAt: { $add: ['$$NOW', lease] } } },
    ]);
    return matchedCount === 1;
  } catch (error) {
    throw fromMongoError(error, `Extending the lock of ${collection.dbName}`);
  }
}

async function keepDocument(
  collection: Collection<LockDocument>,
  { holder, fence, reason }: { readonly holder: string; readonly fence: number; readonly reason: string },
): Promise<void> {
  try {
    await collection.updateOne({ _id: lockId, holder, fence }, { $set: { expiresAt: never, reason } });
  } catch (error) {
    throw fromMongoError(error, `Keeping the lock of ${collection.dbName}`);
  }
}

function documents(db: Db): Collection<LockDocument> {
  return db.collection<LockDocument>(lockCollection, { writeConcern: { w: 'majority' } });
}

function lostError(database: string): GuardError {
  return new GuardError('lock/lost', `The lock of ${database} was lost: it could not be extended in time, or another run took it over.`);
}

function heldError(database: string, held: LockState | undefined): GuardError {
  if (held?.reason !== undefined) {
    const since = held.acquiredAt.toISOString();
    return new GuardError('lock/held', `The lock of ${database} is kept since ${since} by ${held.owner}: ${held.reason}`, {
      remedy: 'Run action-rollback with `mode: apply` again: it takes this lock over, goes on from what is there, and releases it.',
    });
  }
  const by =
    held === undefined ? 'another run' : `${held.owner} (${held.purpose}) until ${held.expiresAt.toISOString()}, extended while it runs`;
  return new GuardError('lock/held', `The lock of ${database} is held by ${by}.`);
}
