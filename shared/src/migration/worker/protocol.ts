import type { WriteReport } from '../write-command.ts';
import type { Effects } from '../effects.ts';
import type { Observation } from '../observation.ts';
import type { UnsetVariable } from './environment.ts';
import type { FencePolicy, Refusal } from './fence/policy.ts';
import type { StepNames } from './shape.ts';

export type DriverChoice = 'auto' | 'project' | 'bundled';
export type Direction = 'up' | 'down';

/** Why a file could not be loaded, or what it threw. Texts hold no connection strings and no document contents. */
export interface Fault {
  readonly name: string;
  readonly message: string;
  /** Absolute path of the user's file, its line and column, counted from 1. */
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** What to do about it, where the cause tells. */
  readonly remedy?: string;
}

/** The keys of `migrate-mongo-config.js` that matter to us; its connection string is never taken over. */
export interface ProjectConfig {
  readonly migrationsDir?: string;
  readonly changelogCollectionName?: string;
  readonly lockCollectionName?: string;
  readonly lockTtl?: number;
  readonly migrationFileExtension?: string;
  readonly useFileHash?: boolean;
  readonly databaseName?: string;
}

/** By which name a file is known from now on, and where it lies. */
export interface FileToLoad {
  readonly name: string;
  readonly path: string;
}

export interface LoadedFile {
  readonly name: string;
  readonly up: boolean;
  readonly down: boolean;
  /** The file says `export const idempotent = true`: it may run again after it was interrupted. */
  readonly idempotent: boolean;
  /** What the file says by `export const transaction = …`. */
  readonly transaction?: boolean;
  /** Of a class that the file exports. */
  readonly className?: string;
  /** Environment variables that its own code read while it was loaded and that are not set. */
  readonly unset: readonly UnsetVariable[];
  /** Packages it reaches whose BSON values the driver refuses, for example `mongoose 8.1.0 uses bson 6.2.0`. */
  readonly foreignBson: readonly string[];
  readonly fault?: Fault;
}

export interface Loaded {
  readonly file: LoadedFile;
  readonly driver: { readonly source: 'project' | 'bundled'; readonly version: string };
}

export interface CallResult {
  readonly fault?: Fault;
  readonly effects: Effects;
  /** Writes that were still under way when the function had returned: somebody forgot an `await`. */
  readonly unawaited: readonly ({ readonly what: string } & Pick<Fault, 'file' | 'line' | 'column'>)[];
  /** How the transaction of the file ended, what was tried in it, and how long it took. */
  readonly transaction?: { readonly end: 'committed' | 'aborted' | 'unknown'; readonly attempted: Effects; readonly seconds: number };
  /** While it is watched: every command. */
  readonly observation?: Observation;
}

/** The last document that a transaction writes: where it is, the transaction was committed. Dates are milliseconds. */
export interface CommitMarker {
  readonly collection: string;
  readonly id: string;
  readonly entry: Readonly<Record<string, unknown>> & { readonly at: number };
}

/** Which file is run by whom, for checkpoints and for the lock. */
export interface CallIdentity {
  readonly file: string;
  readonly direction: Direction;
  readonly hash: string;
  readonly run: string;
  readonly holder: string;
  readonly fence: number;
  /** Whether an earlier run of the file was interrupted and goes on now. */
  readonly resume: boolean;
}

/** When the batch helper waits. Milliseconds. */
export interface ThrottleLimits {
  readonly maxLagMilliseconds: number;
  readonly minOplogWindowMilliseconds: number;
}

/** How far a walk of the batch helper is. */
export interface BatchProgress {
  readonly name: string;
  readonly done: number;
  /** Absent when counting would take too long. */
  readonly total?: number;
  readonly millisecondsLeft?: number;
  /** Why the next batch may not start yet. */
  readonly waiting?: string;
}

/** What the parent asks; each is answered once. */
export interface Requests {
  /** From now on migrations reach the copy alone, and their commands are kept. Asked before any file is loaded. */
  readonly watch: { readonly ask: { readonly policy: FencePolicy; readonly folder: string }; readonly answer: null };
  readonly config: { readonly ask: { readonly file: string; readonly driver: DriverChoice }; readonly answer: ProjectConfig };
  readonly load: {
    readonly ask: {
      readonly folder: string;
      readonly file: FileToLoad;
      readonly driver: DriverChoice;
      readonly names: StepNames;
    };
    readonly answer: Loaded;
  };
  readonly connect: {
    readonly ask: { readonly uri: string; readonly database: string; readonly appName: string };
    readonly answer: null;
  };
  /** From now on write commands are told while migrations run. */
  readonly record: { readonly ask: Readonly<Record<string, never>>; readonly answer: null };
  readonly call: {
    readonly ask: {
      readonly name: string;
      readonly direction: Direction;
      readonly identity: CallIdentity;
      readonly throttle: ThrottleLimits;
      /** The file runs in a transaction that ends with this. */
      readonly marker?: CommitMarker;
    };
    readonly answer: CallResult;
  };
  /** The run is cancelled: the migration may end at its next safe point. */
  readonly cancel: { readonly ask: { readonly reason: string }; readonly answer: null };
}

export type RequestKind = keyof Requests;
export type Ask = { readonly [Kind in RequestKind]: { readonly id: number; readonly kind: Kind } & Requests[Kind]['ask'] }[RequestKind];

/** What the worker says: an answer, a failed request, text that the migration printed, or how far it is. */
export type Said =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Requests[RequestKind]['answer'] }
  | { readonly kind: 'refused'; readonly id: number; readonly fault: Fault }
  | { readonly kind: 'output'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly kind: 'progress'; readonly effects: Effects; readonly batches: readonly BatchProgress[] }
  | { readonly kind: 'retried'; readonly attempt: number; readonly reason: string }
  | { readonly kind: 'refusal'; readonly refusal: Refusal }
  | { readonly kind: 'writes'; readonly report: WriteReport }
  | { readonly kind: 'exiting'; readonly code: number; readonly effects: Effects; readonly fault: Fault };
