import { GuardError } from '../errors/guard-error.ts';
import { isPartial, readOverview, type Manifest } from './manifest.ts';
import { newestProof, type Proof } from './proof.ts';
import type { BackupStore } from './store.ts';

/** A folder in the store: a backup that counts, or one that does not and why. */
export type ListedBackup =
  | { readonly id: string; readonly status: 'committed'; readonly manifest: Manifest; readonly proof: Proof | undefined }
  | { readonly id: string; readonly status: 'unfinished' | 'damaged'; readonly reason: string };

/** Ids of backups as `newBackupId` makes them; other folders in the store are not ours. */
const idPattern = /^\d{8}T\d{6}Z-[0-9a-f]{6}$/;

/** Everything in the store that looks like a backup, oldest first. Throws `backup/store-failed`, `store/*`. */
export async function listBackups(store: BackupStore): Promise<readonly ListedBackup[]> {
  const listed: ListedBackup[] = [];
  for (const id of await store.folders()) if (idPattern.test(id)) listed.push(await describe(store, id));
  return listed;
}

async function describe(store: BackupStore, id: string): Promise<ListedBackup> {
  try {
    const manifest = await readOverview(store, id);
    return { id, status: 'committed', manifest, proof: await newestProof(store, id) };
  } catch (error) {
    if (!(error instanceof GuardError) || /^(store\/|backup\/store-)/.test(error.code)) throw error;
    return { id, status: error.code === 'backup/incomplete' ? 'unfinished' : 'damaged', reason: error.message };
  }
}

/**
 * The id that `text` means: itself, or the newest committed backup for `latest`; one by a query stands for no database and is passed over.
 * Throws `backup/not-found`.
 */
export async function resolveBackupId(store: BackupStore, text: string): Promise<string> {
  if (text !== 'latest') return text;
  const committed = (await listBackups(store)).filter((backup) => backup.status === 'committed' && !isPartial(backup.manifest));
  const latest = committed.at(-1);
  if (latest === undefined) throw new GuardError('backup/not-found', `There is no finished backup in ${store.location}.`);
  return latest.id;
}
