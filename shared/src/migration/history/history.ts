import type { Db, Document } from 'mongodb';

/** A migration that the database knows as applied. */
export interface AppliedMigration {
  readonly fileName: string;
  readonly appliedAt: Date;
  /** Of the run that applied it, where the history keeps that. */
  readonly migrationBlock?: number;
  /** SHA-256 of the file, hexadecimal, where the history keeps that. */
  readonly fileHash?: string;
  /** Of earlier runs of the same file, where it ran more than once. */
  readonly earlierHashes?: readonly string[];
}

/** How and where a database records which migrations are applied. */
export interface History {
  readonly kind: HistoryKind;
  readonly collection: string;
  /** The applied migrations, oldest first; a file that was recorded twice counts once, with its newest record. */
  read(db: Db): Promise<readonly AppliedMigration[]>;
  /** The same of records that were read elsewhere, such as from a backup. */
  applied(records: readonly Document[]): readonly AppliedMigration[];
  /** Files of which the history itself says that they failed and were not applied since, with the time. */
  failures(db: Db): Promise<ReadonlyMap<string, Date>>;
  recordApplied(db: Db, record: AppliedMigration): Promise<void>;
  /** Removes whatever says that a file is applied, so that it counts as pending again. */
  recordReverted(db: Db, fileName: string): Promise<void>;
}

export const historyKinds = ['migrate-mongo', 'plain', 'class'] as const;
export type HistoryKind = (typeof historyKinds)[number];

/** For sorting: by time, then block, then name. */
export function byTime(a: AppliedMigration, b: AppliedMigration): number {
  return (
    a.appliedAt.getTime() - b.appliedAt.getTime() ||
    (a.migrationBlock ?? 0) - (b.migrationBlock ?? 0) ||
    (a.fileName < b.fileName ? -1 : Number(a.fileName > b.fileName))
  );
}
