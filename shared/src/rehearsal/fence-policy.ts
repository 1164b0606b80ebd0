import type { MongoClient } from 'mongodb';
import type { FencePolicy } from '../migration/worker/fence/policy.ts';
import type { Copy } from './copy.ts';

/** What the configuration lets migrations reach beside the copy. */
export interface FenceSettings {
  readonly mapHosts: readonly string[];
  readonly mapDatabases: readonly string[];
  readonly allowHosts: readonly string[];
  readonly allowPrograms: readonly string[];
}

export interface FenceOptions {
  readonly copy: Pick<Copy, 'uri' | 'client' | 'database'>;
  /** Name of the database that the copy stands for. */
  readonly database: string;
  readonly appName: string;
  readonly settings: FenceSettings;
}

/** The fence around the migrations of one rehearsal: the servers of the copy, its database, and what the configuration adds. */
export async function fencePolicy({ copy, database, appName, settings }: FenceOptions): Promise<FencePolicy> {
  const beside = settings.mapDatabases.map((name) => [name, nameBeside(name, { copy, database })]);
  return {
    uri: copy.uri.reveal(),
    copyHosts: await addressesOf(copy.client),
    databases: { ...Object.fromEntries(beside), [database]: copy.database, [copy.database]: copy.database },
    mappedHosts: settings.mapHosts,
    allowedHosts: settings.allowHosts,
    allowedPrograms: settings.allowPrograms,
    appName,
  };
}

/** The name that a database beside the target has on the server of the copy: there may be one of its own name there. */
export function nameBeside(name: string, { copy, database }: Pick<FenceOptions, 'copy' | 'database'>): string {
  return copy.database === database ? name : `${name}_migration_test`;
}

/** All names under which a driver may find the servers of this connection. */
async function addressesOf(client: MongoClient): Promise<readonly string[]> {
  const { hosts, srvHost } = client.options;
  const hello = await client.db('admin').command({ hello: 1 });
  const members = [hello['hosts'], hello['passives'], hello['arbiters']].flatMap((list) => (list ?? []) as string[]);
  return [...new Set([...hosts.map((host) => host.toString()), ...members, ...(srvHost === undefined ? [] : [srvHost])])];
}
