import type { CatalogEntry } from '../../mongo/catalog.ts';
import type { DecodedFrame } from '../frame-reader.ts';
import type { DumpPlace } from './dump-errors.ts';
import type { AccountKind } from './left-out.ts';

/** A collection, view or time series of a dump, with options and indexes as a server of today lists them. */
export interface DumpCollection extends Omit<CatalogEntry, 'uuid'> {
  readonly database: string;
}

/** Whole documents of one collection, or entries of the oplog. */
export interface Portion extends DecodedFrame {
  /** The namespace that they belong to, of a time series its own; `oplogKey` for the oplog. */
  readonly key: string;
  readonly place: DumpPlace;
}

export interface ReadOptions {
  /** The key of the only portions that are wanted; default: all. */
  readonly only?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Users or roles in a dump, or their form. */
export interface DumpAccounts {
  readonly kind: AccountKind;
  /** The key of their portions. */
  readonly key: string;
}

/** What mongodump wrote: a folder or an archive. */
export interface StockDump {
  readonly kind: 'folder' | 'archive';
  /** As the user wrote it. */
  readonly location: string;
  readonly collections: readonly DumpCollection[];
  /** What lies in the dump and is not restored: namespaces and names of files. */
  readonly leftOut: readonly string[];
  /** Restored only when they are asked for. */
  readonly accounts: readonly DumpAccounts[];
  readonly hasOplog: boolean;
  /** The content in its order, as a stream. Throws `dump/damaged`, `dump/incomplete`, `backup/store-failed`. */
  read(options: ReadOptions): AsyncGenerator<Portion, void, undefined>;
}

/** No namespace has this name. */
export const oplogKey = '';
