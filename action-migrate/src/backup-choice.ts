import { resolveBackupId } from '@migration-guard/shared/backup/list';
import { openStore } from '@migration-guard/shared/backup/stores/open';
import { storeLocation } from './user-project.ts';

/** The backup that `store` and `backup-id` mean. Throws `backup/not-found`. */
export async function latestBackup(
  store: string,
  backupId: string | undefined,
  workspace: string,
): Promise<{ readonly store: string; readonly id: string }> {
  const location = storeLocation(store, workspace);
  return { store: location, id: await resolveBackupId(openStore(location), backupId ?? 'latest') };
}
