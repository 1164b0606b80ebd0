import type { MongoClient, Timestamp } from 'mongodb';
import { GuardError } from '../errors/guard-error.ts';
import type { Connection } from '../mongo/connect.ts';
import type { ConsistencyKind } from './manifest.ts';
import type { PlannedCollection } from './plan.ts';
import { currentClusterTime } from './server-time.ts';

/** What the user asks for: `auto` takes the strongest kind that the server offers. */
export type ConsistencyWish = ConsistencyKind | 'auto';

export interface ConsistencyQuestion {
  readonly wish: ConsistencyWish;
  readonly topology: Connection['topology'];
  readonly environment: string | undefined;
}

/**
 * The kind of consistency that a backup will have. Throws `backup/consistency-refused` when the server cannot give what is asked for, and
 * for `production` when only `none` is left and was not asked for by name.
 */
export function chooseConsistency({ wish, topology, environment }: ConsistencyQuestion): ConsistencyKind {
  const best = topology === 'standalone' ? 'none' : 'snapshot';
  if (wish === 'none') return 'none';
  if (wish !== 'auto' && best === 'none')
    throw new GuardError('backup/consistency-refused', `A standalone server cannot give the consistency ${wish}.`);
  if (best === 'none' && environment?.toLowerCase() === 'production')
    throw new GuardError(
      'backup/consistency-refused',
      'The server is standalone: a backup of production would not show one point in time.',
    );
  return wish === 'auto' ? best : wish;
}

/** The time at which the documents of one attempt are read, if they are read at one, and the time since which no write may come. */
export interface ReadTimes {
  readonly atClusterTime: Timestamp | undefined;
  readonly startedAt: Timestamp | undefined;
}

export async function readTimes(client: MongoClient, kind: ConsistencyKind): Promise<ReadTimes> {
  if (kind === 'none') return { atClusterTime: undefined, startedAt: undefined };
  const startedAt = await currentClusterTime(client);
  if (startedAt === undefined) throw new GuardError('backup/consistency-refused', 'The server names no cluster time.');
  return { atClusterTime: kind === 'snapshot' ? startedAt : undefined, startedAt };
}

/** Whether the server can read this collection at a cluster time: capped collections only since 8.0. */
export function readableAtTime({ entry }: PlannedCollection, serverVersion: string): boolean {
  return !entry.options.includes('"capped":true') || Number.parseInt(serverVersion, 10) >= 8;
}
