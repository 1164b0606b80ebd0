import type { MongoClient } from 'mongodb';
import { requirePrivileges } from '../mongo/privileges.ts';
import { consistencyLadder } from './consistency.ts';
import type { CreateOptions } from './create-options.ts';
import { wishFor } from './engines/dump-engine.ts';
import { requireEngine } from './engines/require-engine.ts';
import type { ConsistencyKind } from './manifest.ts';
import { mayReadOplog } from './oplog/server-oplog.ts';
import { chosenDatabases } from './plan.ts';

export interface Preflight {
  readonly databases: readonly string[];
  /** The kinds of consistency to try, the strongest first. */
  readonly ladder: readonly ConsistencyKind[];
  /** The featureCompatibilityVersion, where the user may ask for it. */
  readonly featureVersion: string | undefined;
}

/** What is checked before anything is read or written. Throws as `createBackup`. */
export async function preflight(options: CreateOptions, now: Date): Promise<Preflight> {
  const { connection, engine, environment, selection, log } = options;
  const { client, topology, serverVersion } = connection;
  requireEngine(topology);
  const wish = wishFor(engine, options.consistency ?? 'auto', topology);
  const usesOplog = topology === 'replica-set' && (wish === 'auto' || wish === 'oplog');
  const withoutOplog = usesOplog ? await whyNoOplog(options) : undefined;
  const ladder = consistencyLadder({ wish, topology, serverVersion, environment, withoutOplog });
  if (ladder[0] === 'none')
    log.warning('This backup does not show one point in time (consistency: none): writes during it may be seen in part.');
  const databases = await chosenDatabases(client, selection);
  await requirePrivileges(client, databases, ['listCollections', 'listIndexes', 'find']);
  if (options.accounts === true) await requirePrivileges(client, ['admin'], ['find']);
  await clearStranded(options, now);
  return { databases, ladder, featureVersion: await featureVersionOf(client) };
}

async function whyNoOplog({ connection, selection }: CreateOptions): Promise<string | undefined> {
  if ((selection.queries ?? []).length > 0) return 'The oplog would bring documents into the backup that do not fit its query.';
  return (await mayReadOplog(connection.client)) ? undefined : 'The user may not read the oplog: the role backup allows it.';
}

/** For example `6.0`; `undefined` where the user may not ask. */
export async function featureVersionOf(client: MongoClient): Promise<string | undefined> {
  const reply = await client
    .db('admin')
    .command({ getParameter: 1, featureCompatibilityVersion: 1 })
    .catch(() => undefined);
  const version: unknown = (reply?.['featureCompatibilityVersion'] as { version?: unknown } | undefined)?.version;
  return typeof version === 'string' ? version : undefined;
}

/** Uploads of killed runs; what is younger than a day may still be running. The first time that the store is asked anything. */
async function clearStranded({ store, log }: CreateOptions, now: Date): Promise<void> {
  const removed = await store.removeStranded(new Date(now.getTime() - 86_400_000));
  if (removed > 0) log.info(`Removed ${removed} uploads that killed runs left unfinished in ${store.location}`);
}
