import { GuardError } from '../errors/guard-error.ts';
import { formatAge } from '../log/format-age.ts';
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

/** How old a backup may be. It shows the time of its start, so that is when its age begins. */
export interface Freshness {
  /** Milliseconds; default: any age. */
  readonly maxAge?: number | undefined;
  readonly now?: (() => Date) | undefined;
}

/**
 * The backup to work with: the one that `text` names, or for `latest` the newest good one, which is proven and holds all of its documents
 * (one by a query does not). Throws `backup/not-found`, and `backup/too-old` when it is older than it may be.
 */
export async function resolveBackupId(store: BackupStore, text: string, freshness: Freshness = {}): Promise<string> {
  if (text !== 'latest') {
    if (freshness.maxAge !== undefined) requireFresh(await readOverview(store, text), freshness);
    return text;
  }
  const whole = await wholeBackups(store);
  const good = whole.findLast(({ proof }) => proof !== undefined);
  const newest = whole.at(-1);
  if (newest === undefined) throw new GuardError('backup/not-found', `There is no finished backup in ${store.location}.`);
  if (good === undefined)
    throw new GuardError(
      'backup/not-found',
      `None of the ${whole.length} finished backups in ${store.location} is proven, the newest is ${newest.id}.`,
      {
        remedy: 'Run action-backup with `mode: verify`, which proves the newest one, or name it in `backup-id`.',
      },
    );
  requireFresh(good.manifest, freshness, newest === good ? '' : `; ${newest.id} is newer, but not proven`);
  return good.id;
}

/** The id that `text` means, or for `latest` that of the newest finished backup, proven or not. Throws `backup/not-found`. */
export async function newestBackupId(store: BackupStore, text: string): Promise<string> {
  if (text !== 'latest') return text;
  const newest = (await wholeBackups(store)).at(-1);
  if (newest === undefined) throw new GuardError('backup/not-found', `There is no finished backup in ${store.location}.`);
  return newest.id;
}

async function wholeBackups(store: BackupStore): Promise<readonly Extract<ListedBackup, { status: 'committed' }>[]> {
  return (await listBackups(store)).flatMap((backup) => (backup.status === 'committed' && !isPartial(backup.manifest) ? [backup] : []));
}

/** Throws `backup/too-old`. `besides` goes on with the sentence. */
function requireFresh({ id, startedAt }: Manifest, { maxAge, now = () => new Date() }: Freshness, besides = ''): void {
  const age = now().getTime() - Date.parse(startedAt);
  if (maxAge === undefined || age <= maxAge) return;
  throw new GuardError(
    'backup/too-old',
    `The newest good backup, ${id}, is ${formatAge(age)} old, ${formatAge(maxAge)} are allowed${besides}.`,
  );
}
