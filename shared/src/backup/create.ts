import { randomBytes } from 'node:crypto';
import type { Log } from '../log/log.ts';
import type { Connection } from '../mongo/connect.ts';
import type { Recipient } from './age/keys.ts';
import { takeInAttempts } from './attempts.ts';
import { checkFiles } from './check-files.ts';
import type { Compression } from './codec.ts';
import type { ConsistencyWish } from './consistency.ts';
import { putFile } from './document-file.ts';
import type { DumpEngine } from './engines/dump-engine.ts';
import { manifestOf } from './manifest-of.ts';
import { definitionsText, writeManifest, type Manifest, type ManifestCollection } from './manifest.ts';
import { requireCollections, type Selection } from './plan.ts';
import { preflight } from './preflight.ts';
import type { BackupStore } from './store.ts';

export interface CreateOptions {
  readonly connection: Pick<Connection, 'client' | 'topology' | 'serverVersion'>;
  readonly store: BackupStore;
  readonly selection: Selection;
  /** Whether users and roles are taken too: those of the chosen databases, or all. */
  readonly accounts?: boolean | undefined;
  /** Patterns that must each fit a collection with documents. */
  readonly requiredCollections?: readonly string[] | undefined;
  readonly compression?: Compression | undefined;
  /** For whom the backup is encrypted; default: it is not. Nobody else can read it, this run neither. */
  readonly recipients?: readonly Recipient[] | undefined;
  readonly consistency?: ConsistencyWish | undefined;
  /** Who reads the documents; default: we do. */
  readonly engine?: DumpEngine | undefined;
  readonly environment?: string | undefined;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
  readonly now?: (() => Date) | undefined;
}

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
    // The store took every file; now it must still have all of them.
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
