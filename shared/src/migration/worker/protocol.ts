import type { Effects } from '../effects.ts';

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

export interface LoadedFile {
  readonly name: string;
  readonly up: boolean;
  readonly down: boolean;
  /** The file says `export const idempotent = true`: it may run again after it was interrupted. */
  readonly idempotent: boolean;
  readonly fault?: Fault;
}

export interface Loaded {
  readonly files: readonly LoadedFile[];
  readonly driver: { readonly source: 'project' | 'bundled'; readonly version: string };
}

export interface CallResult {
  readonly fault?: Fault;
  readonly effects: Effects;
  /** Writes that were still under way when the function had returned: somebody forgot an `await`. */
  readonly unawaited: number;
}

/** What the parent asks; each is answered once. */
export interface Requests {
  readonly config: { readonly ask: { readonly file: string; readonly driver: DriverChoice }; readonly answer: ProjectConfig };
  readonly load: {
    readonly ask: { readonly folder: string; readonly files: readonly string[]; readonly driver: DriverChoice };
    readonly answer: Loaded;
  };
  readonly connect: { readonly ask: { readonly uri: string; readonly database: string; readonly appName: string }; readonly answer: null };
  readonly call: { readonly ask: { readonly name: string; readonly direction: Direction }; readonly answer: CallResult };
}

export type RequestKind = keyof Requests;
export type Ask = { readonly [Kind in RequestKind]: { readonly id: number; readonly kind: Kind } & Requests[Kind]['ask'] }[RequestKind];

/** What the worker says: an answer, a failed request, text that the migration printed, or how far it is. */
export type Said =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Requests[RequestKind]['answer'] }
  | { readonly kind: 'refused'; readonly id: number; readonly fault: Fault }
  | { readonly kind: 'output'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly kind: 'progress'; readonly effects: Effects }
  | { readonly kind: 'exiting'; readonly code: number; readonly effects: Effects; readonly fault: Fault };
