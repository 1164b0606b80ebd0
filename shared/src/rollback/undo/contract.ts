import type { MongoClient } from 'mongodb';
import type { BackupStore } from '../../backup/store.ts';
import type { Log } from '../../log/log.ts';
import type { Lock } from '../../migration/lock.ts';
import type { RollbackPoint } from '../point.ts';
import type { UndoProof } from './prove-undo.ts';
import type { ReadLimit } from './read-whole.ts';

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
