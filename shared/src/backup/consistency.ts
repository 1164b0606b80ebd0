import type { MongoClient, Timestamp } from 'mongodb';
import { GuardError } from '../errors/guard-error.ts';
import type { Connection } from '../mongo/connect.ts';
import type { ConsistencyKind } from './manifest.ts';
import type { PlannedCollection } from './planned-collection.ts';
import { currentClusterTime } from './server-time.ts';

/** What the user asks for: `auto` takes the strongest kind that the server offers. */
export type ConsistencyWish = ConsistencyKind | 'auto';

export interface ConsistencyQuestion {
  readonly wish: ConsistencyWish;
  readonly topology: Connection['topology'];
  /** For example `6.0.5`. */
  readonly serverVersion: string;
  readonly environment: string | undefined;
  /** Why the oplog cannot be used; `undefined` when it can. */
  readonly withoutOplog: string | undefined;
}

/** The first server that reads at a cluster time outside of transactions. */
const firstWithSnapshots = 5;

/**
 * The kinds of consistency to try, the strongest first; a kind that was asked for by name stands alone. Throws
 * `backup/consistency-refused` when the server cannot give what is asked for, and for `production` when only `none` is left and was not
 * asked for by name.
 */
export function consistencyLadder(question: ConsistencyQuestion): readonly ConsistencyKind[] {
  const { wish, topology, serverVersion, withoutOplog } = question;
  if (wish === 'none') return ['none'];
  const production = question.environment?.toLowerCase() === 'production';
  if (topology === 'standalone') {
    if (wish !== 'auto') throw refused(`A standalone server cannot give the consistency ${wish}.`);
    if (production) throw refused('The server is standalone: a backup of production would not show one point in time.');
    return ['none'];
  }
  const snapshots = Number.parseInt(serverVersion, 10) >= firstWithSnapshots;
  if (wish === 'snapshot' && !snapshots) throw refused(`A server of version ${serverVersion} cannot read at a cluster time.`);
  if (wish === 'oplog' && withoutOplog !== undefined) throw refused(withoutOplog);
  if (wish !== 'auto') return [wish];
  const kinds = ['snapshot', 'oplog', 'quiescent', 'none'] as const;
  return kinds.filter((kind) => {
    if (kind === 'snapshot') return snapshots;
    if (kind === 'oplog') return withoutOplog === undefined;
    return kind === 'quiescent' || !production;
  });
}

function refused(message: string): GuardError {
  return new GuardError('backup/consistency-refused', message);
}

/** The time at which the documents of one attempt are read, if they are read at one, and the time since which no write may come. */
export interface ReadTimes {
  readonly atClusterTime: Timestamp | undefined;
  readonly startedAt: Timestamp | undefined;
}

export async function readTimes(client: MongoClient, kind: ConsistencyKind): Promise<ReadTimes> {
  if (kind === 'none') return { atClusterTime: undefined, startedAt: undefined };
  const startedAt = await currentClusterTime(client);
  if (startedAt === undefined) throw refused('The server names no cluster time.');
  return { atClusterTime: kind === 'snapshot' ? startedAt : undefined, startedAt };
}

/** Whether the server can read this collection at a cluster time: capped collections only since 8.0. */
export function readableAtTime(planned: Defined, serverVersion: string): boolean {
  return !isCapped(planned) || Number.parseInt(serverVersion, 10) >= 8;
}

interface Defined {
  readonly entry: Pick<PlannedCollection['entry'], 'options'>;
}

export function isCapped({ entry }: Defined): boolean {
  return entry.options.includes('"capped":true');
}
