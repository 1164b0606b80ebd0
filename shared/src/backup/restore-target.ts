import type { MongoClient } from 'mongodb';
import { GuardError } from '../errors/guard-error.ts';
import { formatBytes } from '../log/format-bytes.ts';
import type { Log } from '../log/log.ts';
import type { Manifest } from './manifest.ts';
import { featureVersionOf } from './preflight.ts';

/** A target that is older than the source of a backup may not know all that it holds: said before anything is done. */
export async function compareServers(client: MongoClient, { server }: Pick<Manifest, 'server'>, log: Log): Promise<void> {
  const { version } = await client.db('admin').command({ buildInfo: 1 });
  const feature = await featureVersionOf(client);
  const older = isOlder(String(version), server.version)
    ? `The target is MongoDB ${version}, the backup was taken from ${server.version}.`
    : feature !== undefined && server.featureVersion !== undefined && isOlder(feature, server.featureVersion)
      ? `The featureCompatibilityVersion of the target is ${feature}, that of the source was ${server.featureVersion}.`
      : undefined;
  if (older !== undefined) log.warning(`${older} What it does not know is refused, and nothing is replaced then.`);
}

/** Whether the release of `version`, such as `6.0.5` or `6.0`, is older than that of `other`; patch levels do not count. */
export function isOlder(version: string, other: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split('.').map(Number);
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

/** Throws `restore/no-space` when the volume of the target surely has not the room for `least` bytes more; where it may be asked. */
export async function requireRoom(client: MongoClient, database: string, least: number): Promise<void> {
  // A database that does not exist yet knows nothing of the volume.
  const free = (await freeBytes(client, database)) ?? (await freeBytes(client, 'admin'));
  if (free === undefined || free >= least) return;
  throw new GuardError(
    'restore/no-space',
    `The volume of the target has ${formatBytes(free)} free, the restore needs ${formatBytes(least)} or more.`,
  );
}

async function freeBytes(client: MongoClient, database: string): Promise<number | undefined> {
  const stats = await client
    .db(database)
    .command({ dbStats: 1 })
    .catch(() => undefined);
  const [total, used]: readonly unknown[] = [stats?.['fsTotalSize'], stats?.['fsUsedSize']];
  return typeof total === 'number' && typeof used === 'number' && total > 0 ? total - used : undefined;
}
