import { GuardError } from '../../errors/guard-error.ts';
import type { Connection } from '../../mongo/connect.ts';
import type { ConsistencyWish } from '../consistency.ts';
import type { DumpOptions } from '../dump-collection.ts';
import type { ManifestCollection } from '../manifest.ts';
import type { PlannedCollection } from '../planned-collection.ts';

/** A program of others that reads the documents. What it gives is stored, counted and proven as what we read ourselves. */
export interface DumpEngine {
  readonly name: string;
  readonly version: string;
  /** Reads all of `planned` and writes them down; none of them is said to be of one point in time. Throws `engine/*`, `dump/*`, `store/*`. */
  dumpAll(options: DumpOptions, planned: readonly PlannedCollection[]): Promise<readonly ManifestCollection[]>;
}

/**
 * What can be asked for when a program of others reads: it knows no cluster time, but a change stream can prove that nobody wrote
 * meanwhile. Throws `backup/consistency-refused`.
 */
export function wishFor(engine: DumpEngine | undefined, wish: ConsistencyWish, topology: Connection['topology']): ConsistencyWish {
  if (engine === undefined || wish === 'none' || wish === 'quiescent') return wish;
  if (wish === 'auto') return topology === 'standalone' ? 'auto' : 'quiescent';
  throw new GuardError('backup/consistency-refused', `${engine.name} cannot give the consistency ${wish}.`, {
    remedy: 'Use `engine: native`, or `consistency: quiescent` while nobody writes.',
  });
}
