/** A backup that another tool keeps where it keeps all of them. */
export interface HeldBackup {
  /** As the tool names it. */
  readonly id: string;
  /** Where a person finds it, for example the storage of Percona Backup for MongoDB. */
  readonly place: string;
  /** The time that it shows, ISO 8601. */
  readonly at: string;
  /** Bytes in the storage, as far as the tool tells. */
  readonly bytes: number;
  readonly serverVersion: string;
  readonly topology: 'replica-set' | 'sharded';
}

/** A tool that takes, keeps and restores backups of whole clusters by itself. All functions throw `engine/*` and the reason of the signal. */
export interface HoldingEngine {
  readonly kind: 'pbm' | 'atlas';
  /** For people. */
  readonly name: string;
  readonly version: string;
  /** Takes a backup and waits for its end. `mark` is written beside it where the tool has room for that. */
  create(mark: string): Promise<HeldBackup>;
  /** Asks the tool for a backup. Throws `backup/not-found` when it is gone, and `backup/incomplete` unless it is whole. */
  check(held: Pick<HeldBackup, 'id' | 'topology'>): Promise<HeldBackup>;
  /** Puts the whole cluster back to a backup and waits for the end. */
  restore(held: Pick<HeldBackup, 'id' | 'topology'>): Promise<void>;
  /** Removes a backup; an absent one is no error. */
  remove(held: Pick<HeldBackup, 'id' | 'topology'>): Promise<void>;
}
