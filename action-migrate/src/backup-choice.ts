import { openStoreOf } from '@migration-guard/shared/action/store-access';
import { resolveBackupId } from '@migration-guard/shared/backup/list';
import type { BackupStore } from '@migration-guard/shared/backup/store';
import { storeLocation } from '@migration-guard/shared/backup/stores/open';
import type { MigrateContext, MigrateInputs } from './contract.ts';

export interface ChosenBackup {
  readonly store: BackupStore;
  /** How the rollback point names the store. */
  readonly location: string;
  readonly id: string;
}

/** The backup that `store` and `backup-id` mean. Throws `backup/not-found`, `backup/too-old`, and as `openStore` does. */
export async function latestBackup(location: string, inputs: MigrateInputs, context: MigrateContext): Promise<ChosenBackup> {
  const store = await openStoreOf(location, inputs, context);
  const id = await resolveBackupId(store, inputs.backupId ?? 'latest', { maxAge: inputs.maxAge, now: context.now });
  return { store, location: storeLocation(location, context.workspace), id };
}
