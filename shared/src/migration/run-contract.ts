import type { Db } from 'mongodb';
import type { GuardError } from '../errors/guard-error.ts';
import type { Log } from '../log/log.ts';
import type { Effects } from './effects.ts';
import type { MigrationFile } from './files.ts';
import type { Journal } from './journal.ts';
import type { Lock } from './lock.ts';
import type { Observation } from './observation.ts';
import type { Project } from './project.ts';
import type { BatchProgress, LoadedFile, ThrottleLimits } from './worker/protocol.ts';

export interface RunOptions {
  readonly db: Db;
  readonly project: Project;
  readonly files: readonly MigrationFile[];
  readonly journal: Journal;
  readonly lock: Pick<Lock, 'confirm' | 'lost' | 'token'>;
  readonly appName: string;
  readonly log: Log;
  readonly now: () => Date;
  readonly signal: AbortSignal;
  /** For all files together, milliseconds. */
  readonly timeout?: number | undefined;
  /** For each single file, milliseconds. */
  readonly fileTimeout?: number | undefined;
  /** Whether each `up` runs in a transaction; default `none`. What a file says by `export const transaction = …` comes first. */
  readonly transaction?: 'per-file' | 'none' | undefined;
  /** What is known of the files since they were loaded. */
  readonly loaded?: ReadonlyMap<string, LoadedFile>;
  /** Files that an earlier run began and that go on now: their batches start at their checkpoints. */
  readonly resume?: ReadonlySet<string>;
  /** When the batch helper waits. */
  readonly throttle?: ThrottleLimits;
  /** Told how far a walk of the batch helper is, at most once a second. */
  readonly onBatch?: (batch: BatchProgress) => void;
  /** Called after each file that ended well and is recorded. */
  readonly onDone?: (done: DoneFile) => void | Promise<void>;
}

export interface DoneFile {
  readonly name: string;
  readonly milliseconds: number;
  readonly effects: Effects;
  /** What deserves a look although the file succeeded. */
  readonly warnings: readonly string[];
  /** Whether a transaction was committed that held everything it did. */
  readonly inTransaction: boolean;
  /** Why nothing runs after it although it succeeded: it was stopped after its transaction was committed. */
  readonly endsRun?: GuardError;
  /** Of a rehearsal: every command. */
  readonly observation?: Observation;
  /** Writes that were still under way when it returned. */
  readonly unawaited?: readonly { readonly what: string }[];
}

/** The file at which a run ended, and why. */
export interface Failure {
  readonly file?: string;
  readonly error: GuardError;
  readonly effects?: Effects;
  readonly observation?: Observation;
}

export interface RunResult {
  readonly done: readonly DoneFile[];
  /** Why the run ended before the last file; the history holds exactly the files of `done`. */
  readonly failure?: Failure;
}
