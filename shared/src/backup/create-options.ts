import type { Log } from '../log/log.ts';
import type { Connection } from '../mongo/connect.ts';
import type { Recipient } from './age/keys.ts';
import type { Compression } from './codec.ts';
import type { ConsistencyWish } from './consistency.ts';
import type { DumpEngine } from './engines/dump-engine.ts';
import type { Selection } from './plan.ts';
import type { BackupStore } from './store.ts';

/** What a backup is to be. */
export interface CreateOptions {
  readonly connection: Pick<Connection, 'client' | 'topology' | 'serverVersion'>;
  readonly store: BackupStore;
  readonly selection: Selection;
  /** Whether users and roles are taken too: those of the chosen databases, or all. */
  readonly accounts?: boolean | undefined;
  /** Patterns that must each fit a collection with documents. */
  readonly requiredCollections?: readonly string[] | undefined;
  readonly compression?: Compression | undefined;
  /** For whom the backup is encrypted; default: it is not. Nobody else can read it, this run neither. */
  readonly recipients?: readonly Recipient[] | undefined;
  readonly consistency?: ConsistencyWish | undefined;
  /** Who reads the documents; default: we do. */
  readonly engine?: DumpEngine | undefined;
  readonly environment?: string | undefined;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
  readonly now?: (() => Date) | undefined;
}
