import path from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { ClientSession, Db, MongoClient } from 'mongodb';
import { noEffects } from '../effects.ts';
import type { BatchParts } from './batch.ts';
import { openCheckpoints } from './checkpoints.ts';
import { createContext } from './context.ts';
import { faultOf } from './fault.ts';
import type { Migration } from './load.ts';
import type { BatchProgress, CallResult, Fault, Requests, Said } from './protocol.ts';
import type { Recorder } from './recorder.ts';
import { siteOf, type Sessions } from './sessions.ts';
import { createThrottle } from './throttle.ts';
import { inTransaction, OutsideTransaction } from './transaction.ts';

/** The connection of the migrations, which all of them use one after the other. */
export interface Connected {
  readonly client: MongoClient;
  readonly db: Db;
  readonly recorder: Recorder;
  readonly sessions: Sessions;
  /** Whether the server has transactions: not a standalone one. */
  readonly transactions: boolean;
}

export interface PerformParts {
  readonly connected: Connected;
  readonly migration: Migration;
  readonly signal: AbortSignal;
  readonly say: (said: Said) => void;
  /** Runs `body`; failures of the migration outside of its promise fail it too. */
  readonly withStrays: (body: () => Promise<void>) => Promise<void>;
}

type Question = Requests['call']['ask'];

const progressMilliseconds = 1_000;

/** Runs one step of one file to its end, in a transaction when the parent says so. Never throws. */
export async function perform(question: Question, parts: PerformParts): Promise<CallResult> {
  const { connected, say } = parts;
  const { recorder } = connected;
  const batches = new Map<string, BatchProgress>();
  recorder.reset();
  const tellProgress = (): void => say({ kind: 'progress', effects: recorder.effects(), batches: [...batches.values()] });
  const progress = setInterval(tellProgress, progressMilliseconds);
  const batchParts = batchPartsOf(question, parts, (batch) => batches.set(batch.name, batch));
  try {
    return question.marker === undefined
      ? await performPlain(parts, question, batchParts)
      : await performInTransaction(parts, { ...question, marker: question.marker }, batchParts);
  } finally {
    clearInterval(progress);
    // What a kill after this moment would leave behind is known to the parent too.
    tellProgress();
  }
}

async function performPlain(
  { connected, migration, withStrays }: PerformParts,
  { direction }: Question,
  batch: BatchParts,
): Promise<CallResult> {
  const { client, db, recorder } = connected;
  const unawaited: Unawaited[] = [];
  try {
    await withStrays(async () => {
      await migration.run(direction, db, client, createContext(batch, undefined));
      unawaited.push(...(await settle(recorder, migration)));
    });
    return { effects: recorder.effects(), unawaited };
  } catch (error) {
    await settle(recorder, migration);
    return { fault: faultOf(error, migration.path), effects: recorder.effects(), unawaited };
  }
}

type InTransaction = Question & { readonly marker: NonNullable<Question['marker']> };

async function performInTransaction(
  { connected, migration, withStrays, say }: PerformParts,
  { direction, marker }: InTransaction,
  batch: BatchParts,
): Promise<CallResult> {
  const { client, db, recorder, sessions } = connected;
  const unawaited: Unawaited[] = [];
  const startedAt = performance.now();
  const body = async (session: ClientSession): Promise<void> => {
    recorder.reset();
    unawaited.length = 0;
    await withStrays(async () => {
      await migration.run(direction, db, client, createContext(batch, session));
      unawaited.push(...(await settle(recorder, migration)));
    });
  };
  const { end, error } = await inTransaction(
    {
      client,
      db,
      sessions,
      marker,
      complete: () => ({ effects: recorder.effects(), milliseconds: Math.round(performance.now() - startedAt) }),
      folder: path.dirname(migration.path),
      onRetry: (attempt, reason) => say({ kind: 'retried', attempt, reason }),
    },
    body,
  );
  await settle(recorder, migration);
  const outside = error instanceof OutsideTransaction;
  const effects = end === 'aborted' && !outside ? noEffects : recorder.effects();
  const attempted = { attempted: recorder.effects(), seconds: Math.round((performance.now() - startedAt) / 1_000) };
  const ended = { effects, unawaited, transaction: { end, ...attempted } };
  if (outside && end === 'committed') {
    // Everything is in the database, by two ways.
    process.stderr.write(`${message(error, migration)}: it would have stayed when the transaction failed.\n`);
    return ended;
  }
  if (error === undefined) return ended;
  return {
    ...ended,
    fault: outside ? outsideFault(error, migration) : explained(error, faultOf(error, migration.path), attempted.seconds),
  };
}

function message({ message: text, site }: OutsideTransaction, { path: file }: Migration): string {
  return `${path.basename(file)}${site?.line === undefined ? '' : ` line ${site.line}`}: ${text}`;
}

function outsideFault({ message, site, name }: OutsideTransaction, { path: file }: Migration): Fault {
  const remedy = 'Use the db that up is given and start no session of your own; or say `export const transaction = false` in this file.';
  return { name, message, ...(site ?? { file }), remedy };
}

/** What the server says of the limits of transactions, in words that help. */
function explained(error: unknown, fault: Fault, seconds: number): Fault {
  const { code, message = '' } = error as { code?: number; message?: string };
  const optOut = 'say `export const transaction = false` in this file';
  if (code === 263 || (code === 20 && /transaction/i.test(message))) {
    return { ...fault, remedy: `The server does not allow this in a transaction: give it a file of its own and ${optOut} there.` };
  }
  if (code === 251 && seconds >= 59) {
    const ended = `the server ended the transaction after ${seconds} s (transactionLifetimeLimitSeconds, 60 by default)`;
    return { ...fault, message: `${ended}: ${fault.message}`, remedy: `Do less in one file; or ${optOut} and use the batch helper.` };
  }
  if (code === 10334 || code === 257 || code === 290) {
    return { ...fault, remedy: `It is too large for one transaction: do less in one file; or ${optOut} and use the batch helper.` };
  }
  return fault;
}

function batchPartsOf(
  { identity, throttle: limits }: Question,
  { connected, signal }: PerformParts,
  onProgress: BatchParts['onProgress'],
): BatchParts {
  const { client, db } = connected;
  return {
    ...connected,
    checkpoints: openCheckpoints(db, identity),
    throttle: createThrottle({ client, db, limits, signal }),
    signal,
    onProgress,
  };
}

type Unawaited = CallResult['unawaited'][number];

/** Waits for the writes that are still under way and tells what they were. */
async function settle(recorder: Recorder, { path: file }: Migration): Promise<readonly Unawaited[]> {
  await nextTurn();
  await sleep(1);
  const found = recorder.writesUnderWay().map(({ name, collection, trace }) => {
    return { what: `${name} ${collection}`.trim(), ...siteOf(trace, path.dirname(file)) };
  });
  while (recorder.writesUnderWay().length > 0) await sleep(5);
  return found;
}
