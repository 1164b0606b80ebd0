import type { Manifest } from '../backup/manifest.ts';
import type { Census } from '../mongo/census.ts';

/** What a backup holds of one database, in the form in which it is compared with a rollback point. */
export function censusOfBackup(manifest: Manifest, database: string): Census {
  const collections = manifest.collections
    .filter((collection) => collection.database === database)
    .map(({ name, type, options, indexes, digest }) => ({
      name,
      type,
      options,
      indexes: indexes.toSorted(),
      documents: digest.documents,
      ...(type === 'view' ? {} : { digest }),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { database, takenAt: manifest.startedAt, collections };
}
