import type { MongoClient } from 'mongodb';
import { compareCensus, type CensusDifference } from '../checks/compare-census.ts';
import type { Log } from '../log/log.ts';
import type { Census } from '../mongo/census.ts';
import { takeCensusFor, type RollbackPoint } from './point.ts';

export interface Proof {
  /** Nothing when every collection, digest, index and option is as expected. */
  readonly differences: readonly CensusDifference[];
  /** What the database holds. */
  readonly found: Census;
}

export interface ProveOptions {
  readonly client: MongoClient;
  readonly point: Pick<RollbackPoint, 'database' | 'ignored'>;
  /** What the database must hold. */
  readonly expected: Census;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Reads the whole database again and compares it with what is expected. */
export async function prove({ client, point, expected, log, signal }: ProveOptions): Promise<Proof> {
  const found = await takeCensusFor(point, { client, signal, log });
  return { differences: compareCensus(expected, found), found };
}
