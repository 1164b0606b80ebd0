import { setTimeout as sleep } from 'node:timers/promises';
import type { Db, MongoClient } from 'mongodb';
import { lockCollection } from '../lock.ts';
import type { ThrottleLimits } from './protocol.ts';

/** Holds batches back while the server has trouble to follow, or while a person asks for it. */
export interface Throttle {
  /** Resolves when the next batch may start; `tell` hears why it may not yet. */
  wait(tell: (waiting: string) => void): Promise<void>;
}

export interface ThrottleOptions {
  readonly client: MongoClient;
  readonly db: Db;
  readonly limits: ThrottleLimits;
  readonly signal: AbortSignal;
}

/** Looking costs a few commands: once a second is enough. */
const lookMilliseconds = 1_000;

type Probe = (options: ThrottleOptions) => Promise<string | undefined>;

/** Any one reason is enough to wait. A probe for which the user lacks the privilege, or that this server does not know, is left out. */
export function createThrottle(options: ThrottleOptions): Throttle {
  const probes = new Map<string, Probe>(Object.entries({ paused, majorityLag, memberLag, flowControl, oplogWindow }));
  let lookedAt = -Infinity;
  const reason = async (): Promise<string | undefined> => {
    for (const [name, probe] of probes) {
      try {
        const found = await probe(options);
        if (found !== undefined) return found;
      } catch (error) {
        options.signal.throwIfAborted();
        if (!isLasting(error)) throw error;
        probes.delete(name);
      }
    }
    return undefined;
  };
  return {
    wait: async (tell) => {
      if (performance.now() - lookedAt < lookMilliseconds) return;
      for (;;) {
        options.signal.throwIfAborted();
        const waiting = await reason();
        lookedAt = performance.now();
        if (waiting === undefined) return;
        tell(waiting);
        await sleep(lookMilliseconds, undefined, { signal: options.signal });
      }
    },
  };
}

/** Not authorised, no such command, not a replica set, no such collection. */
function isLasting(error: unknown): boolean {
  return [13, 59, 76, 26, 8000].includes((error as { code?: number }).code ?? 0);
}

/** A person asks for it: `db.migration_lock.insertOne({ _id: 'pause' })`. */
const paused: Probe = async ({ db }) => {
  const flag = await db.collection(lockCollection).findOne({ _id: 'pause' as never }, { readPreference: 'primary' });
  return flag === null ? undefined : `paused by ${lockCollection} (delete the document with the _id pause to go on)`;
};

/** How far the majority is behind: needs no privilege. */
const majorityLag: Probe = async ({ client, limits }) => {
  const { lastWrite } = await client.db('admin').command({ hello: 1 });
  const { lastWriteDate, majorityWriteDate } = (lastWrite ?? {}) as { lastWriteDate?: Date; majorityWriteDate?: Date };
  if (lastWriteDate === undefined || majorityWriteDate === undefined) return undefined;
  return lagReason('the majority of the replica set', lastWriteDate.getTime() - majorityWriteDate.getTime(), limits);
};

/** How far each single secondary was behind at its last heartbeat, 2 s ago at most: needs `clusterMonitor`. */
const memberLag: Probe = async ({ client, limits }) => {
  const admin = client.db('admin');
  const members = (await admin.command({ replSetGetStatus: 1 }))['members'] as readonly MemberStatus[];
  const { config } = await admin.command({ replSetGetConfig: 1 });
  const meant = new Map((config.members as readonly MemberSettings[]).map((member) => [member._id, delayOf(member)]));
  const primary = members.find(({ stateStr }) => stateStr === 'PRIMARY')?.optimeDate;
  const lags = members.flatMap(({ _id, stateStr, optimeDate }) =>
    stateStr === 'SECONDARY' && optimeDate !== undefined && primary !== undefined
      ? [primary.getTime() - optimeDate.getTime() - (meant.get(_id) ?? 0)]
      : [],
  );
  return lagReason('a secondary', Math.max(0, ...lags), limits);
};

interface MemberStatus {
  readonly _id: number;
  readonly stateStr: string;
  readonly optimeDate?: Date;
}

/** Before MongoDB 5.0 the delay has its old name. */
interface MemberSettings {
  readonly _id: number;
  readonly secondaryDelaySecs?: unknown;
  readonly slaveDelay?: unknown;
}

/** Milliseconds by which a member is behind on purpose. */
function delayOf({ secondaryDelaySecs, slaveDelay }: MemberSettings): number {
  return Number(secondaryDelaySecs ?? slaveDelay ?? 0) * 1_000;
}

function lagReason(who: string, milliseconds: number, { maxLagMilliseconds }: ThrottleLimits): string | undefined {
  return milliseconds > maxLagMilliseconds ? `${who} is ${Math.round(milliseconds / 1_000)} s behind` : undefined;
}

const flowControl: Probe = async ({ client }) => {
  const status = await client.db('admin').command({ serverStatus: 1, flowControl: 1, metrics: 0, wiredTiger: 0, locks: 0 });
  const { isLagged } = (status['flowControl'] ?? {}) as { isLagged?: boolean };
  return isLagged === true ? 'flow control of the server slows writes down' : undefined;
};

/** A full oplog overwrites its oldest entries: members and readers that are further behind than its window could not catch up. */
const oplogWindow: Probe = async ({ client, limits }) => {
  const local = client.db('local');
  const { size, maxSize } = await local.command({ collStats: 'oplog.rs' });
  if (Number(size) < Number(maxSize) * 0.95) return undefined;
  const end = async (direction: 1 | -1): Promise<number> => {
    const entry = await local
      .collection('oplog.rs')
      .find({}, { sort: { $natural: direction }, limit: 1, projection: { ts: 1 } })
      .next();
    return (entry?.['ts'] as { getHighBits(): number } | undefined)?.getHighBits() ?? 0;
  };
  const seconds = (await end(-1)) - (await end(1));
  if (seconds * 1_000 >= limits.minOplogWindowMilliseconds) return undefined;
  return `the oplog reaches back only ${Math.round(seconds / 60)} minutes`;
};
