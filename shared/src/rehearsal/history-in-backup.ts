import { BSON, type Document } from 'mongodb';
import type { RestoreSource } from '../backup/restore-source.ts';
import type { AppliedMigration, History } from '../migration/history/history.ts';
import { forEachDocument } from '../mongo/raw-bson.ts';

/**
 * Which migrations are applied in `database` as a backup holds it, without restoring it. `undefined` where writes have to be replayed upon
 * the backup first. Throws `backup/*` as reading does.
 */
export async function historyInBackup(
  from: RestoreSource,
  { database, history }: { readonly database: string; readonly history: Pick<History, 'collection' | 'applied'> },
): Promise<readonly AppliedMigration[] | undefined> {
  if (from.replay !== undefined) return undefined;
  const source = from.collections.find((collection) => collection.database === database && collection.name === history.collection);
  const records: Document[] = [];
  if (source !== undefined) {
    for await (const { bytes } of from.documents(source))
      forEachDocument(bytes, (start, end) => records.push(BSON.deserialize(bytes.subarray(start, end))));
  }
  return history.applied(records);
}
