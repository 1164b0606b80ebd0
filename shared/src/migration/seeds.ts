import path from 'node:path';
import { discover, type MigrationFile } from './files.ts';
import type { JournalEntry } from './journal.ts';

/** The seed files of a folder of the workspace, named with it (`seeds/countries.js`), in their order. Throws `migration/folder-not-found`. */
export async function discoverSeeds(workspace: string, folder: string): Promise<readonly MigrationFile[]> {
  const files = await discover(path.resolve(workspace, folder));
  const prefix = path.posix.normalize(folder.replaceAll('\\', '/')).replace(/\/$/, '');
  return files.map((file) => ({ ...file, name: `${prefix}/${file.name}` }));
}

/** The seeds that run now: all of them, or those that did not yet run to their end with the content that they have. */
export function pendingSeeds(
  seeds: readonly MigrationFile[],
  journal: ReadonlyMap<string, JournalEntry>,
  run: 'changed' | 'always',
): readonly MigrationFile[] {
  return run === 'always' ? seeds : seeds.filter(({ name, hash }) => !hasRun(journal.get(name), hash));
}

/** FINISHED: its transaction was committed, and its run was killed right after that. */
function hasRun(entry: JournalEntry | undefined, hash: string): boolean {
  return entry?.hash === hash && (entry.state === 'APPLIED' || entry.state === 'FINISHED');
}
