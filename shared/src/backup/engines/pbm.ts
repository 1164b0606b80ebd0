import { z } from 'zod';
import { GuardError } from '../../errors/guard-error.ts';
import type { Log } from '../../log/log.ts';
import { deadlineAfter } from '../../timing/deadline.ts';
import type { HeldBackup, HoldingEngine } from './holding-engine.ts';
import { pbmCli, type Pbm, type PbmAccess } from './pbm-cli.ts';
import { poll, type Patience } from './poll.ts';

const part = z.object({ name: z.string(), status: z.string(), error: z.string().optional() });
const started = z.object({ name: z.string() });
const versions = z.object({ Version: z.string() });
const cluster = z.object({
  cluster: z
    .array(
      z.object({
        rs: z.string(),
        nodes: z.array(z.object({ host: z.string(), ok: z.boolean(), errors: z.array(z.string()).nullish() })).nullable(),
      }),
    )
    .nullable(),
});
const backup = z.object({
  name: z.string(),
  type: z.string(),
  status: z.string(),
  error: z.string().optional(),
  last_write_ts: z.number(),
  mongodb_version: z.string(),
  size: z.number(),
  storage_type: z.string().optional(),
  replsets: z.array(part.extend({ configsvr: z.boolean().nullish() })).nullable(),
});
const restore = z.object({ name: z.string(), status: z.string(), error: z.string().optional(), replsets: z.array(part).nullish() });

export interface PbmOptions extends PbmAccess, Patience {}

/** How long a cancel may take, milliseconds. */
const cancelPatience = 5_000;

/**
 * Percona Backup for MongoDB as the keeper of backups: logical ones of a replica set or a sharded cluster, in the storage that it is
 * configured for. Throws `engine/not-found`, `engine/failed`.
 */
export async function pbmEngine(options: PbmOptions): Promise<HoldingEngine> {
  const { log } = options;
  const pbm = await pbmCli(options);
  const { Version: version } = await pbm(['version'], versions);
  log.info(`Using Percona Backup for MongoDB ${version}`);
  return {
    kind: 'pbm',
    name: 'Percona Backup for MongoDB',
    version,
    create: async () => create(pbm, options),
    check: async ({ id }) => whole(await describe(pbm, id)),
    restore: async ({ id }) => restoreFrom(pbm, options, id),
    remove: async ({ id }) => remove(pbm, id),
  };
}

async function create(pbm: Pbm, options: PbmOptions): Promise<HeldBackup> {
  await requireAgents(pbm);
  const { name } = await pbm(['backup', '--type=logical'], started);
  options.log.info(`pbm takes the backup ${name}`);
  try {
    // `pbm backup --wait` ends well for a backup that somebody cancelled: its own record says how it ended.
    const said = saying(options.log, `pbm backup ${name}`);
    return await poll(`The backup ${name} of pbm`, options, async () => {
      const found = await describe(pbm, name);
      said(found.status);
      return ['done', 'error', 'canceled'].includes(found.status) ? whole(found) : undefined;
    });
  } catch (error) {
    if (options.signal.aborted) await cancel(pbm, options.log, name);
    throw error;
  }
}

/** Throws `engine/failed` when a replica set has nobody who could back it up: pbm itself would wait for it, and then say less. */
async function requireAgents(pbm: Pbm): Promise<void> {
  const { cluster: sets } = await pbm(['status', '--sections=cluster'], cluster);
  for (const { rs, nodes } of sets ?? []) {
    if (nodes?.some(({ ok }) => ok) === true) continue;
    const why = nodes?.flatMap(({ host, errors }) => (errors ?? []).map((error) => `${host}: ${error}`)).join('; ');
    throw new GuardError(
      'engine/failed',
      `No pbm-agent of the replica set ${rs} is ready${why === undefined || why === '' ? '' : ` (${why})`}.`,
    );
  }
}

async function cancel(pbm: Pbm, log: Log, name: string): Promise<void> {
  await pbm(['cancel-backup'], z.unknown(), deadlineAfter(cancelPatience)).then(
    () => log.info(`pbm was told to cancel the backup ${name}`),
    () => log.warning(`pbm could not be told to cancel the backup ${name}: run \`pbm cancel-backup\`.`),
  );
}

async function describe(pbm: Pbm, name: string): Promise<z.infer<typeof backup>> {
  try {
    return await pbm(['describe-backup', name], backup);
  } catch (error) {
    if (!isAbsent(error)) throw error;
    throw new GuardError('backup/not-found', `pbm does not know the backup ${name} any more.`, { cause: error });
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof GuardError && error.code === 'engine/failed' && /not found$|no documents in result/.test(error.message);
}

/** Throws `backup/incomplete` unless every part of the backup is done. */
function whole({ name, status, error, replsets, ...found }: z.infer<typeof backup>): HeldBackup {
  const bad = (replsets ?? []).filter((set) => set.status !== 'done' || (set.error ?? '') !== '');
  if (status !== 'done' || bad.length > 0 || (replsets?.length ?? 0) === 0) {
    const why = [error ?? '', ...bad.map((set) => ((set.error ?? '') === '' ? '' : `${set.name}: ${set.error}`))].filter(
      (text) => text !== '',
    );
    const said = why.length === 0 ? '' : ` (${why.join('; ')})`;
    throw new GuardError('backup/incomplete', `The backup ${name} of pbm is not whole: ${status}${said}.`);
  }
  return {
    id: name,
    place: `${found.storage_type ?? 'the storage'} of pbm`,
    at: new Date(found.last_write_ts * 1_000).toISOString(),
    bytes: found.size,
    serverVersion: found.mongodb_version,
    topology: (replsets?.length ?? 0) > 1 || replsets?.some(({ configsvr }) => configsvr === true) === true ? 'sharded' : 'replica-set',
  };
}

async function restoreFrom(pbm: Pbm, options: PbmOptions, id: string): Promise<void> {
  const found = await describe(pbm, id);
  whole(found);
  if (found.type !== 'logical')
    throw new GuardError(
      'engine/failed',
      `The backup ${id} of pbm is ${found.type}: its restore stops every mongod and is to be done by hand.`,
    );
  await requireAgents(pbm);
  const { name } = await pbm(['restore', id, '--yes'], started);
  options.log.info(`pbm restores ${id}; this is the restore ${name}`);
  const said = saying(options.log, `pbm restore ${name}`);
  try {
    await poll(`The restore ${name} of pbm`, options, async () => {
      const ending = await restoreEnding(pbm, name, said);
      if (ending === undefined || ending === 'done') return ending;
      throw new GuardError('engine/failed', `The restore ${name} of pbm ended with ${ending}.`);
    });
  } catch (error) {
    if (options.signal.aborted)
      options.log.warning(`The restore goes on in the cluster: \`pbm describe-restore ${name}\` says how far it is.`);
    throw error;
  }
}

/** `done`, or how it went wrong; `undefined` while it goes on. Transactions that only some shards have are said beside the status `done`. */
async function restoreEnding(pbm: Pbm, name: string, said: (status: string) => void): Promise<string | undefined> {
  try {
    const { status, error, replsets } = await pbm(['describe-restore', name], restore);
    said(status);
    if (!['done', 'error', 'canceled', 'partlyDone'].includes(status)) return undefined;
    const sets = (replsets ?? []).flatMap((set) => (set.error === undefined ? [] : [`${set.name}: ${set.error}`]));
    const why = [...(error === undefined ? [] : [error]), ...sets];
    return why.length === 0 ? status : `${status} (${why.join('; ')})`;
  } catch (error) {
    // Its record is written by the agents, a moment after it began.
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

async function remove(pbm: Pbm, id: string): Promise<void> {
  try {
    await pbm(['delete-backup', id, '--yes'], z.unknown());
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

/** Says a status when it is another one than before. */
function saying(log: Log, what: string): (status: string) => void {
  let last = '';
  return (status) => {
    if (status !== last) log.info(`${what}: ${status}`);
    last = status;
  };
}
