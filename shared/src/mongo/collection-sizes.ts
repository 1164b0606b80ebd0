import type { Db } from 'mongodb';
import { serverCode } from '../errors/mongo-errors.ts';

export interface CollectionSize {
  readonly documents: number;
  /** Of the documents, before they are compressed. */
  readonly bytes: number;
  /** Of each index on the disk, by name. */
  readonly indexes: ReadonlyMap<string, number>;
  /** Names of indexes that are being built. */
  readonly building: readonly string[];
}

/** Codes of: the namespace is not found, it is a view. */
const without = [26, 166];

/** Sizes of collections, by name; a view has none, nor has a collection that is not there. Takes the privilege `collStats`. */
export async function readSizes(db: Db, names: readonly string[]): Promise<ReadonlyMap<string, CollectionSize>> {
  const sizes = new Map<string, CollectionSize>();
  for (const name of names) {
    const size = await readSize(db, name);
    if (size !== undefined) sizes.set(name, size);
  }
  return sizes;
}

async function readSize(db: Db, name: string): Promise<CollectionSize | undefined> {
  try {
    const shards = await db
      .collection(name)
      .aggregate<Stats>([...storageStats])
      .toArray();
    if (shards.length === 0) return undefined;
    const indexes = new Map<string, number>();
    for (const { storageStats: stats } of shards)
      for (const [index, bytes] of Object.entries(stats.indexSizes ?? {})) indexes.set(index, (indexes.get(index) ?? 0) + bytes);
    return {
      documents: shards.reduce((sum, { storageStats: stats }) => sum + (stats.count ?? 0), 0),
      bytes: shards.reduce((sum, { storageStats: stats }) => sum + (stats.size ?? 0), 0),
      indexes,
      building: [...new Set(shards.flatMap(({ storageStats: stats }) => stats.indexBuilds ?? []))],
    };
  } catch (error) {
    if (without.includes(serverCode(error) ?? 0)) return undefined;
    throw error;
  }
}

/** One for each shard. */
interface Stats {
  readonly storageStats: {
    readonly count?: number;
    readonly size?: number;
    readonly indexSizes?: Readonly<Record<string, number>>;
    readonly indexBuilds?: readonly string[];
  };
}

const storageStats = [
  { $collStats: { storageStats: {} } },
  { $project: { 'storageStats.count': 1, 'storageStats.size': 1, 'storageStats.indexSizes': 1, 'storageStats.indexBuilds': 1 } },
] as const;
