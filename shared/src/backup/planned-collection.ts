import type { CatalogEntry } from '../mongo/catalog.ts';

/** A collection that a backup is to hold. */
export interface PlannedCollection {
  readonly database: string;
  readonly entry: CatalogEntry;
  /** The collection that holds the documents; a time series keeps them in its buckets, a view has none. */
  readonly source: string | undefined;
  /** Only the documents that fit it are meant, canonical Extended JSON. */
  readonly query?: string;
}
