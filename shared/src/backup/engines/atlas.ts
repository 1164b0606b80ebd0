import { z } from 'zod';
import { GuardError } from '../../errors/guard-error.ts';
import { atlasClient, type Atlas, type AtlasAccess } from './atlas-client.ts';
import type { HeldBackup, HoldingEngine } from './holding-engine.ts';
import { poll, type Patience } from './poll.ts';

export interface AtlasPlace {
  /** Id of the project. */
  readonly project: string;
  /** Name of the cluster. */
  readonly cluster: string;
}

export interface AtlasOptions extends AtlasAccess, Patience {
  readonly from: AtlasPlace;
  /** Where a restore goes. */
  readonly to: AtlasPlace;
  /** How long Atlas keeps a snapshot. */
  readonly retentionDays: number;
}

const snapshot = z.object({
  id: z.string(),
  status: z.enum(['queued', 'inProgress', 'completed', 'failed']),
  type: z.enum(['replicaSet', 'shardedCluster']),
  createdAt: z.string().nullish(),
  description: z.string().nullish(),
  mongodVersion: z.string().nullish(),
  storageSizeBytes: z.number().nullish(),
});
type Snapshot = z.infer<typeof snapshot>;
const snapshots = z.object({ results: z.array(snapshot).optional() });
const job = z.object({
  id: z.string(),
  finishedAt: z.string().nullish(),
  failed: z.boolean().nullish(),
  cancelled: z.boolean().nullish(),
  expired: z.boolean().nullish(),
});

/**
 * Snapshots of MongoDB Atlas as the keeper of backups: of a replica set or a whole sharded cluster at one time. Source: Atlas Administration
 * API v2, Cloud Backups. Throws `input/invalid`.
 */
export function atlasEngine(options: AtlasOptions): HoldingEngine {
  const atlas = atlasClient(options);
  const backups = backupsOf(options.from);
  return {
    kind: 'atlas',
    name: 'MongoDB Atlas',
    version: 'v2',
    create: async (mark) => create({ atlas, backups, options }, mark),
    check: async (held) => whole(await find({ atlas, backups, options }, held), options.from),
    restore: async (held) => restore({ atlas, backups, options }, held),
    remove: async (held) => {
      await atlas({ method: 'DELETE', path: pathOf(backups, held), answer: z.unknown() });
    },
  };
}

interface Work {
  readonly atlas: Atlas;
  /** Path of the backups of the cluster. */
  readonly backups: string;
  readonly options: AtlasOptions;
}

function backupsOf({ project, cluster }: AtlasPlace): string {
  return `/groups/${encodeURIComponent(project)}/clusters/${encodeURIComponent(cluster)}/backup`;
}

function pathOf(backups: string, { id, topology }: Pick<HeldBackup, 'id' | 'topology'>): string {
  return `${backups}/snapshots/${topology === 'sharded' ? 'shardedCluster/' : ''}${encodeURIComponent(id)}`;
}

async function create(work: Work, mark: string): Promise<HeldBackup> {
  const { options } = work;
  const begun = await begin(work, mark);
  options.log.info(`Atlas takes the snapshot ${begun.id} of ${options.from.cluster}`);
  let last = '';
  try {
    return await poll(`The snapshot ${begun.id} of Atlas`, options, async () => {
      const found = await find(work, heldOf(begun));
      if (found.status !== last) options.log.info(`Snapshot ${begun.id}: ${found.status}`);
      last = found.status;
      return found.status === 'completed' || found.status === 'failed' ? whole(found, options.from) : undefined;
    });
  } catch (error) {
    if (options.signal.aborted) options.log.warning(`Atlas goes on with the snapshot ${begun.id}; it does not count as a backup here.`);
    throw error;
  }
}

/** Asks for a snapshot once: when it is not known what became of the request, its mark tells whether there is one. */
async function begin(work: Work, mark: string): Promise<Snapshot> {
  const { atlas, backups, options } = work;
  const description = `Migration Guard ${mark}`;
  try {
    const body = { description, retentionInDays: options.retentionDays };
    const begun = await atlas({ method: 'POST', path: `${backups}/snapshots`, body, answer: snapshot });
    if (begun !== undefined) return begun;
  } catch (error) {
    if (!(error instanceof GuardError) || error.code !== 'engine/unreachable') throw error;
    for (const folder of ['snapshots', 'snapshots/shardedClusters']) {
      const { results = [] } = (await atlas({ method: 'GET', path: `${backups}/${folder}`, answer: snapshots })) ?? {};
      const ours = results.find((found) => found.description === description);
      if (ours !== undefined) return ours;
    }
    throw error;
  }
  throw new GuardError('engine/failed', `Atlas knows no cluster ${options.from.cluster} in this project that can have snapshots.`);
}

function heldOf({ id, type }: Snapshot): Pick<HeldBackup, 'id' | 'topology'> {
  return { id, topology: type === 'shardedCluster' ? 'sharded' : 'replica-set' };
}

async function find({ atlas, backups }: Work, held: Pick<HeldBackup, 'id' | 'topology'>): Promise<Snapshot> {
  const found = await atlas({ method: 'GET', path: pathOf(backups, held), answer: snapshot });
  if (found === undefined) throw new GuardError('backup/not-found', `Atlas does not have the snapshot ${held.id} any more.`);
  return found;
}

function whole(found: Snapshot, { cluster }: AtlasPlace): HeldBackup {
  if (found.status !== 'completed')
    throw new GuardError('backup/incomplete', `The snapshot ${found.id} of Atlas is not whole: ${found.status}.`);
  return {
    ...heldOf(found),
    place: `snapshots of the cluster ${cluster} in Atlas`,
    at: found.createdAt ?? '',
    bytes: found.storageSizeBytes ?? 0,
    serverVersion: found.mongodVersion ?? 'unknown',
  };
}

async function restore(work: Work, held: Pick<HeldBackup, 'id' | 'topology'>): Promise<void> {
  const { atlas, backups, options } = work;
  whole(await find(work, held), options.from);
  const { project: targetGroupId, cluster: targetClusterName } = options.to;
  const body = { deliveryType: 'automated', snapshotId: held.id, targetClusterName, targetGroupId };
  const begun = await atlas({ method: 'POST', path: `${backups}/restoreJobs`, body, answer: job }).catch((error: unknown) => {
    if (error instanceof GuardError && error.code === 'engine/unreachable')
      options.log.warning(`It is not known whether the restore to ${targetClusterName} has begun: look at its restore history in Atlas.`);
    throw error;
  });
  if (begun === undefined) throw new GuardError('engine/failed', `Atlas cannot restore to ${targetClusterName}: it knows no such cluster.`);
  options.log.info(`Atlas restores the snapshot ${held.id} to ${targetClusterName}; this is the job ${begun.id}`);
  try {
    await poll(`The restore job ${begun.id} of Atlas`, options, async () => {
      const now = await atlas({ method: 'GET', path: `${backups}/restoreJobs/${encodeURIComponent(begun.id)}`, answer: job });
      const bad = (['failed', 'cancelled', 'expired'] as const).find((ending) => now?.[ending] === true);
      if (bad !== undefined)
        throw new GuardError('engine/failed', `The restore job ${begun.id} of Atlas ${bad === 'failed' ? bad : `was ${bad}`}.`);
      return (now?.finishedAt ?? undefined) === undefined ? undefined : true;
    });
  } catch (error) {
    if (options.signal.aborted) options.log.warning(`Atlas goes on with the restore job ${begun.id}.`);
    throw error;
  }
}
