import type { MigrationFile } from '../migration/files.ts';
import type { JournalEntry } from '../migration/journal.ts';

/** The files whose `down` leads back, the newest first; or why theirs cannot. */
export type DownChoice = { readonly files: readonly MigrationFile[] } | { readonly why: string };

/**
 * Finds the files of `touched` (the newest first) in the project. `down` is written for an `up` that has ended, and for the file as it ran:
 * anything else is no way back. Pure.
 */
export function chooseDown(
  touched: readonly string[],
  project: readonly MigrationFile[],
  journal: ReadonlyMap<string, Pick<JournalEntry, 'state' | 'hash'>>,
): DownChoice {
  const files: MigrationFile[] = [];
  for (const name of touched) {
    const file = project.find((candidate) => candidate.name === name);
    if (file === undefined) return { why: `the file ${name} is not in the folder of the migrations` };
    const entry = journal.get(name);
    if (entry !== undefined && entry.state !== 'APPLIED') return { why: `${name} was not applied to its end (${entry.state})` };
    if (entry?.hash !== undefined && entry.hash !== file.hash) return { why: `${name} was changed after it was applied` };
    files.push(file);
  }
  return { files };
}
