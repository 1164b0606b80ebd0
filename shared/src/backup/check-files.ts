import { GuardError } from '../errors/guard-error.ts';
import { filesOf, manifestPath, type Manifest } from './manifest.ts';
import { proofsFolder } from './proof.ts';
import type { BackupStore } from './store.ts';

/**
 * Compares what lies in the folder of a backup with its manifest, by names and lengths. Throws `backup/incomplete`,
 * `backup/checksum-mismatch`, `backup/unexpected-file`.
 */
export async function checkFiles(store: BackupStore, manifest: Manifest): Promise<void> {
  const { id } = manifest;
  const expected = new Map(filesOf(manifest).map((file) => [`${id}/${file.path}`, file]));
  for (const found of await store.files(id)) {
    if (found.path === manifestPath(id) || found.path.startsWith(proofsFolder(id))) continue;
    const file = expected.get(found.path);
    if (file === undefined) throw new GuardError('backup/unexpected-file', `The backup ${id} holds the unknown file ${found.path}.`);
    if (found.bytes < file.bytes)
      throw new GuardError('backup/incomplete', `The file ${found.path} has ${found.bytes} of ${file.bytes} bytes.`);
    if (found.bytes > file.bytes) throw new GuardError('backup/checksum-mismatch', `The file ${found.path} is longer than it was written.`);
    expected.delete(found.path);
  }
  const [missing] = expected.keys();
  if (missing !== undefined) throw new GuardError('backup/incomplete', `The file ${missing} is missing.`);
}
