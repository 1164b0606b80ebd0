import type { Timestamp } from 'mongodb';
import type { DecodedFrame } from './frame-reader.ts';
import { readFrames } from './frame-reader.ts';
import { inParallel, widthByBytes } from './in-parallel.ts';
import type { Manifest, ManifestCollection } from './manifest.ts';
import { nameOf } from './namespaces.ts';
import { replayOf, type Replay } from './oplog/replay.ts';
import type { BackupStore } from './store.ts';

/** What a restore has to know of a collection. */
export type SourceCollection = Pick<ManifestCollection, 'database' | 'name' | 'type' | 'options' | 'indexes' | 'digest' | 'query'>;

/** What a restore takes from: a backup of ours, or the dump of another tool. */
export interface RestoreSource {
  /** As messages name it. */
  readonly id: string;
  readonly collections: readonly SourceCollection[];
  /** The documents of a collection in their order, none for a view. They may be asked for more than once. */
  documents(collection: SourceCollection, signal?: AbortSignal): AsyncIterable<DecodedFrame>;
  /** Calls `work`, which takes the documents once, for all of these collections: as many side by side as suits the source. */
  loadAll<T extends { readonly source: SourceCollection }>(
    items: readonly T[],
    work: (item: T) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<void>;
  /** What the documents of a collection will surely take on the disk of the target, bytes. */
  leastBytes(collection: SourceCollection): number;
  /** What has to follow when the collections are loaded: then their indexes are built after it, because only it makes them unique. */
  readonly replay?: Replay | undefined;
}

/** Documents that are not packed shrink to a fifth or so on the disk of a server; to this part of them never. */
export const leastShare = 20;

/** Collections of a source that are loaded side by side, where the source can read them in any order. */
export const loadingWidth = widthByBytes<{ readonly source: Pick<SourceCollection, 'digest'> }>(2, ({ source }) => source.digest.bytes);

/** A backup of ours as a source. */
export function backupSource(store: BackupStore, manifest: Manifest, oplogLimit?: Timestamp): RestoreSource {
  const { id, compression, collections } = manifest;
  const keyOf = ({ database, name }: SourceCollection): string => nameOf({ database, collection: name });
  const files = new Map(collections.map((collection) => [keyOf(collection), collection.data]));
  return {
    id,
    collections,
    async *documents(collection, signal) {
      const data = files.get(keyOf(collection));
      if (data !== undefined) yield* readFrames({ store, id, compression, data, signal });
    },
    loadAll: (items, work) => inParallel(items, loadingWidth, work),
    // No server packs tighter than the frames are.
    leastBytes: (collection) =>
      compression === 'none' ? collection.digest.bytes / leastShare : (files.get(keyOf(collection))?.bytes ?? 0),
    replay: replayOf(store, manifest, oplogLimit),
  };
}
