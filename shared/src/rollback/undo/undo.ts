import type { MongoClient } from 'mongodb';
import type { BackupStore } from '../../backup/store.ts';
import type { Log } from '../../log/log.ts';
import type { Lock } from '../../migration/lock.ts';
import type { RollbackPoint } from '../point.ts';
import { GuardError } from '../../errors/guard-error.ts';
import { timeOfText } from '../../timing/cluster-time.ts';
import { assess, olderStates, stepsOf, type Assessed } from './assess.ts';
import { carryOut } from './carry-out.ts';
import { observe, type Observed } from './observed.ts';
import { switchOffPreImages, uuidsSwitchedOn } from './pre-images.ts';
import { secondsOfReading, type ReadLimit } from './read-whole.ts';
import { proveUndo, type UndoProof } from './prove-undo.ts';

/** What happens to documents that the migration and somebody else changed in the same fields. */
export type ConflictChoice = 'fail' | 'keep' | 'revert';

export interface UndoOptions {
  readonly client: MongoClient;
  /** Default: the server is asked. */
  readonly serverVersion?: string;
  readonly point: RollbackPoint;
  readonly conflicts: ConflictChoice;
  /** Needed for dropped collections, and for documents of which the server kept no earlier state. */
  readonly backup: { readonly store: BackupStore; readonly id: string } | undefined;
  readonly lock: Pick<Lock, 'confirm' | 'lost' | 'token'> | undefined;
  /** URL of the run. */
  readonly run: string;
  readonly now: () => Date;
  /** Where earlier states of documents may be kept while the undo runs. */
  readonly folder: string;
  /** How much the proof reads beside the documents that were written since the point; default: what takes seconds. */
  readonly readWhole?: ReadLimit;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface UndoStep {
  readonly what: string;
  readonly collection: string;
  readonly documents: number;
}

export interface UndoConflict {
  readonly collection: string;
  readonly documents: number;
  readonly why: string;
  /** What stands for the `_id` of some of them (`keyHash`, hexadecimal): an `_id` itself is not told. */
  readonly ids?: readonly string[];
}

export interface LaterWrites {
  readonly collection: string;
  readonly writes: number;
}

/** Nothing of what a migration did needs a backup of everything to be taken back, or why it does. */
export type Undo = { readonly possible: false; readonly why: string } | PossibleUndo;

export interface PossibleUndo extends AsyncDisposable {
  readonly possible: true;
  /** Documents that are put back, deleted or inserted again. */
  readonly documents: number;
  /** Bytes of their earlier states. */
  readonly bytes: number;
  readonly steps: readonly UndoStep[];
  readonly conflicts: readonly UndoConflict[];
  /** Writes of others from the point to what was read last, all of which are kept. */
  readonly laterWrites: readonly LaterWrites[];
  /** Puts everything back. Can be cut off at any place and done again. Throws `rollback/conflicts`, `lock/lost`, `rollback/undo-incomplete`. */
  carryOut(): Promise<void>;
  /** Compares every collection with the point and the writes of others since, also while they go on; then puts pre-images back. */
  prove(): Promise<UndoProof>;
}

const historyReasons = new Set([
  'server/history-lost',
  'rollback/undo-incomplete',
  'target/privilege-missing',
  'target/unsupported',
  'server/failed',
]);

/** Finds out whether what was done since the point can be undone, and what that takes. Writes nothing. To be disposed. */
export async function openUndo(options: UndoOptions): Promise<Undo> {
  const { client, point } = options;
  if (point.clusterTime === undefined) return { possible: false, why: 'a standalone server does not tell what was written' };
  const hello = await client.db('admin').command({ hello: 1 });
  if (hello['msg'] === 'isdbgrid') return { possible: false, why: 'documents of a sharded cluster are not undone one by one' };
  try {
    const version = options.serverVersion ?? String((await client.db('admin').command({ buildInfo: 1 }))['version']);
    const observed = await observe({
      client,
      database: point.database,
      since: timeOfText(point.clusterTime),
      ignored: point.ignored,
      records: [point.changelog ?? 'changelog'],
      major: Number.parseInt(version, 10),
      folder: options.folder,
      signal: options.signal,
    });
    return await assessOrClose(options, observed);
  } catch (error) {
    if (error instanceof GuardError && historyReasons.has(error.code)) return { possible: false, why: error.message };
    throw error;
  }
}

async function assessOrClose(options: UndoOptions, observed: Observed): Promise<Undo> {
  try {
    const assessed = await assess(options, observed);
    if (typeof assessed !== 'string') return possibleUndo(options, observed, assessed);
    await observed[Symbol.asyncDispose]();
    return { possible: false, why: assessed };
  } catch (error) {
    await observed[Symbol.asyncDispose]();
    throw error;
  }
}

function possibleUndo(options: UndoOptions, observed: Observed, assessed: Assessed): PossibleUndo {
  const { plan, documents } = assessed;
  return {
    possible: true,
    documents: documents.documents,
    bytes: documents.bytes,
    steps: stepsOf(plan, documents),
    conflicts: assessed.conflicts,
    get laterWrites() {
      return [...observed.othersWrites].map(([collection, writes]) => ({ collection, writes }));
    },
    carryOut: () => carryOut(options, observed),
    prove: () => proveAndEnd(options, observed),
    [Symbol.asyncDispose]: () => observed[Symbol.asyncDispose](),
  };
}

/** As long as others write, their documents' earlier states are needed for the proof: only then pre-images are put back. */
async function proveAndEnd(options: UndoOptions, observed: Observed): Promise<UndoProof> {
  const { client, point, lock } = options;
  const proof = await proveUndo({ readWhole: secondsOfReading, ...options, observed, ...(await olderFor(options, observed)) });
  if (proof.notCompared > 0) {
    options.log.warning(
      `${proof.notCompared} documents that others wrote were counted, but nobody kept what they were before: their contents are as others left them.`,
    );
  }
  if (lock !== undefined && proof.differences.length === 0) {
    await lock.confirm();
    await switchOffPreImages(client.db(point.database));
  }
  return proof;
}

async function olderFor(options: UndoOptions, observed: Observed): Promise<Pick<Assessed, 'older' | 'switchedOn'>> {
  const db = options.client.db(options.point.database);
  const switchedOn = await uuidsSwitchedOn(db);
  const written = [...observed.histories.all()].filter(
    (history) => history.atPoint === 'unknown' && observed.histories.writtenByOthers(history, observed.author),
  );
  return {
    switchedOn,
    older: await olderStates(
      options,
      observed,
      Map.groupBy(written, ({ uuid }) => uuid),
    ),
  };
}
