import { GuardError } from '../errors/guard-error.ts';
import { bucketsOf } from '../mongo/catalog.ts';
import { digestCollection } from '../mongo/census.ts';
import { sameDigest } from '../mongo/digest.ts';
import type { CreateOptions } from './create-options.ts';
import type { ManifestCollection } from './manifest.ts';
import { steadily } from './steadily.ts';
import { currentClusterTime, firstWritten } from './server-time.ts';

export interface Quiet {
  readonly kind: 'snapshot' | 'quiescent';
  /** Whether a write is only said, because something weaker is good enough. */
  readonly mayGiveUp: boolean;
  readonly collections: readonly ManifestCollection[];
  /** No write counts that is not after it. */
  readonly since: Parameters<typeof firstWritten>[1]['after'] | undefined;
}

export interface ProvenQuiet {
  readonly collections: readonly ManifestCollection[];
  /** The first collection that was written, if one was. */
  readonly written: string | undefined;
}

/**
 * Collections that were not read at a cluster time show the time of the backup's start if nobody wrote to them since: the change stream
 * knows. Throws `backup/not-quiescent` when that is the promise of the whole backup.
 */
export async function provenQuiet(options: CreateOptions, { kind, mayGiveUp, collections, since }: Quiet): Promise<ProvenQuiet> {
  if (since === undefined) return { collections, written: undefined };
  const open = collections.filter(({ pointInTime, type }) => !pointInTime && type !== 'view');
  const written = new Set<ManifestCollection>();
  let first: string | undefined;
  for (const group of Map.groupBy(open, ({ database }) => database).values()) {
    for (const part of kind === 'quiescent' ? [group] : group.map((one) => [one])) {
      const name = await steadily({ ...options, doing: 'Looking for writes' }, () => firstWrittenOf(options, part, since));
      if (name === undefined) continue;
      if (!mayGiveUp) throw new GuardError('backup/not-quiescent', `${name} was written during the backup.`);
      if (kind === 'snapshot')
        options.log.warning(`${name} was written during the backup and cannot be read at a cluster time by this server: it may be newer.`);
      first ??= name;
      for (const one of part) written.add(one);
    }
  }
  return { collections: collections.map((collection) => ({ ...collection, pointInTime: !written.has(collection) })), written: first };
}

async function firstWrittenOf(
  { connection, signal }: CreateOptions,
  collections: readonly ManifestCollection[],
  after: NonNullable<Quiet['since']>,
): Promise<string | undefined> {
  const { client } = connection;
  // Change streams do not tell of time series: they are read once more.
  for (const { database, name, type, digest } of collections) {
    if (type !== 'timeseries') continue;
    const notBefore = await currentClusterTime(client);
    const now = await digestCollection(client, { database, collection: bucketsOf(name), notBefore, signal });
    if (!sameDigest(now, digest)) return `${database}.${name}`;
  }
  const namespaces = collections.filter(({ type }) => type === 'collection').map(({ database, name }) => ({ database, collection: name }));
  if (namespaces.length === 0) return undefined;
  return firstWritten(client, { database: namespaces[0]?.database ?? '', namespaces, after, signal });
}
