import path from 'node:path';
import { GuardError } from '../../errors/guard-error.ts';
import type { BackupStore } from '../store.ts';
import { directoryStore } from './directory.ts';
import type { StoreAccess } from './s3-settings.ts';

const addressPattern = /^([a-z][a-z0-9+.-]+):\/\//i;

/** How a store is named beyond this run: an address as it is, a folder from the root of the file system. */
export function storeLocation(store: string, workspace: string): string {
  return addressPattern.test(store) ? store : path.resolve(workspace, store);
}

/**
 * The store at a location: a folder (relative ones start at the workspace) or `s3://bucket/prefix`. Throws `backup/store-unsupported` for
 * any other kind, `input/invalid`. Nothing is contacted yet.
 */
export async function openStore(location: string, access: StoreAccess): Promise<BackupStore> {
  const scheme = addressPattern.exec(location)?.[1]?.toLowerCase();
  if (scheme === undefined) return directoryStore(storeLocation(location, access.workspace));
  // The AWS SDK is large: a folder does not wait for it.
  if (scheme === 's3') return (await import('./s3.ts')).s3Store(location, access);
  throw new GuardError('backup/store-unsupported', `Stores of the kind ${scheme}:// are not supported.`);
}
