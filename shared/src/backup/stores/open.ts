import { GuardError } from '../../errors/guard-error.ts';
import type { BackupStore } from '../store.ts';
import { directoryStore } from './directory.ts';

/** The store at a location: a folder. Throws `backup/store-unsupported` for any other kind. */
export function openStore(location: string): BackupStore {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(location)?.[1];
  if (scheme === undefined) return directoryStore(location);
  throw new GuardError('backup/store-unsupported', `Stores of the kind ${scheme}:// are not supported yet.`);
}
