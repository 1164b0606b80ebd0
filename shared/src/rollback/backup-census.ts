import type { Manifest } from '../backup/manifest.ts';
import type { Census } from '../mongo/census.ts';

/**
 * What a backup holds of one database, in the form in which it is compared with a rollback point. Collections that were written while it was
 * taken have no digest: what they hold is known when the oplog of the backup is replayed.
 */
export function censusOfBackup(manifest: Manifest, database: string): Census {
  const collections = manifest.collections
    .filter((collection) => collection.database === database)
    .map(({ name, type, options, indexes, digest, touched }) => ({
      name,
      type,
      options,
      indexes: indexes.toSorted(),
      documents: digest.documents,
      ...(type === 'view' || touched !== undefined ? {} : { digest }),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { database, takenAt: manifest.startedAt, collections };
}
