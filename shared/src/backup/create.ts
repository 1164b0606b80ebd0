import { randomBytes } from 'node:crypto';
import { takeInAttempts } from './attempts.ts';
import { checkFiles } from './check-files.ts';
import type { CreateOptions } from './create-options.ts';
import { putFile } from './document-file.ts';
import { manifestOf } from './manifest-of.ts';
import { definitionsText, writeManifest, type Manifest, type ManifestCollection } from './manifest.ts';
import { requireCollections } from './plan.ts';
import { preflight } from './preflight.ts';

/**
 * Takes a backup and returns its manifest, which is written last: when this throws, or the process is killed, there is no backup that
 * counts. What was written until then is removed. Throws `backup/nothing-selected`, `backup/required-collection`,
 * `backup/consistency-refused`, `backup/not-quiescent`, `backup/oplog-rolled-over`, `backup/schema-changed`, `backup/no-space`,
 * `backup/store-failed`, `engine/*`, `input/invalid`, `target/privilege-missing`, `server/*`, `store/*`, and the reason of the signal.
 */
export async function createBackup(options: CreateOptions): Promise<Manifest> {
  const { store, log, now = () => new Date() } = options;
  const startedAt = now();
  const { databases, ladder, featureVersion } = await preflight(options, startedAt);
  const id = newBackupId(startedAt);
  try {
    const taken = await takeInAttempts(options, { id, ladder, databases });
    requireCollections(
      options.requiredCollections ?? [],
      taken.collections.map(({ database, name, digest }) => ({ database, collection: name, documents: digest.documents })),
    );
    options.signal?.throwIfAborted();
    const encryption = await encryptionOf(options, id, taken.collections);
    const manifest = manifestOf(options, { id, startedAt, finishedAt: now(), databases, featureVersion, ...taken, ...encryption });
    // The store took every file; now it must keep them, and still have all of them.
    await store.secure();
    await checkFiles(store, manifest);
    await writeManifest(store, manifest);
    return manifest;
  } catch (error) {
    await store.remove(id).catch(() => log.warning(`The unfinished backup ${id} could not be removed from ${store.location}.`));
    throw error;
  }
}

/** Sorts by time, so that the newest is the last. */
export function newBackupId(time: Date): string {
  return `${time.toISOString().replace(/[-:]|\.\d+/g, '')}-${randomBytes(3).toString('hex')}`;
}

/** Writes down apart what the manifest of an encrypted backup must not tell. */
async function encryptionOf(
  { store, recipients = [] }: CreateOptions,
  id: string,
  collections: readonly ManifestCollection[],
): Promise<Pick<Manifest, 'encryption'>> {
  if (recipients.length === 0) return {};
  const definitions = await putFile({ store, id, recipients }, 'definitions.json', Buffer.from(definitionsText(collections)));
  return { encryption: { format: 'age', recipients: recipients.map(({ text }) => text), definitions } };
}
