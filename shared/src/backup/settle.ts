import { writeMetadata } from './dump-collection.ts';
import type { ManifestCollection } from './manifest.ts';
import { sameDefinition } from './plan.ts';
import type { PlannedCollection } from './planned-collection.ts';
import { readAll, type Reading } from './read-all.ts';

/**
 * Brings what was read up to a newer catalog, where the documents need not be of one time: collections that are new or were replaced are
 * read again, those that are gone are removed, and of those that only changed their options or indexes the metadata are written again.
 * Returns the collections in the order of `now`.
 */
export async function settle(
  reading: Reading,
  done: readonly ManifestCollection[],
  now: readonly PlannedCollection[],
): Promise<readonly ManifestCollection[]> {
  const { dump, log } = reading;
  const keyOf = (database: string, name: string): string => `${database}.${name}`;
  const read = new Map(done.map((collection) => [keyOf(collection.database, collection.name), collection]));
  const toRead: PlannedCollection[] = [];
  const settled = new Map<string, ManifestCollection>();
  for (const planned of now) {
    const key = keyOf(planned.database, planned.entry.name);
    const before = read.get(key);
    read.delete(key);
    if (before === undefined || before.uuid !== planned.entry.uuid || before.type !== planned.entry.type) toRead.push(planned);
    else if (sameDefinition(planned, { database: before.database, entry: before })) settled.set(key, before);
    else settled.set(key, { ...before, ...planned.entry, metadata: await writeMetadata(dump, planned) });
  }
  for (const gone of read.values()) {
    log.info(`${gone.database}.${gone.name} was dropped during the backup: it is left out.`);
    await removeFiles(reading, gone);
  }
  for (const { database, entry } of toRead) log.info(`${database}.${entry.name} was made during the backup: it is read now.`);
  for (const collection of await readAll(reading, toRead)) settled.set(keyOf(collection.database, collection.name), collection);
  return now.flatMap(({ database, entry }) => settled.get(keyOf(database, entry.name)) ?? []);
}

async function removeFiles({ dump: { store, id } }: Reading, { metadata, data }: ManifestCollection): Promise<void> {
  for (const file of [metadata, data, data?.table]) if (file !== undefined) await store.remove(`${id}/${file.path}`);
}
