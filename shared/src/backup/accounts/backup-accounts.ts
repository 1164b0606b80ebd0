import { GuardError } from '../../errors/guard-error.ts';
import { createDigester, sameDigest } from '../../mongo/digest.ts';
import { readFrames } from '../frame-reader.ts';
import { readManifest, type Manifest, type ManifestAccounts } from '../manifest.ts';
import type { BackupStore } from '../store.ts';
import { AccountCollector, type WantedAccounts } from './accounts.ts';

export interface BackupAccountsOptions {
  readonly store: BackupStore;
  readonly backupId: string;
  /** Only users and roles of these databases; default: all that the backup holds. */
  readonly databases?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The users and roles in a backup. Throws `restore/no-accounts`, and `backup/*` for a damaged one. */
export async function accountsOfBackup({ store, backupId, databases, signal }: BackupAccountsOptions): Promise<WantedAccounts> {
  const manifest = await readManifest(store, backupId);
  const { accounts } = manifest;
  if (accounts === undefined) throw new GuardError('restore/no-accounts', `The backup ${backupId} was taken without users and roles.`);
  const found = new AccountCollector(databases);
  for (const { kind, ...account } of accounts)
    if (kind !== 'version') await readAccounts({ store, manifest, account, signal }, (bytes) => found.add(kind, bytes));
  return found;
}

interface AccountSource extends Pick<BackupAccountsOptions, 'store' | 'signal'> {
  readonly manifest: Manifest;
  readonly account: Pick<ManifestAccounts, 'data' | 'digest'>;
}

async function readAccounts({ store, manifest, account, signal }: AccountSource, visit: (documents: Buffer) => void): Promise<void> {
  const digester = createDigester();
  const { id, compression } = manifest;
  for await (const { bytes } of readFrames({ store, id, compression, data: account.data, signal })) {
    digester.add(bytes);
    visit(bytes);
  }
  if (sameDigest(digester.digest(), account.digest)) return;
  throw new GuardError('backup/content-mismatch', `${id} does not hold the users and roles that its manifest says.`);
}
