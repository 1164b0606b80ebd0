import type { AppliedMigration } from './history/history.ts';
import type { MigrationFile } from './files.ts';

/** How the files of the folder stand to the history of the database. */
export interface Standing {
  /** To be applied, in order. */
  readonly pending: readonly MigrationFile[];
  /** In the history, oldest first. */
  readonly applied: readonly string[];
  /** Pending files that sort before one that is applied already. */
  readonly late: readonly MigrationFile[];
  /** Applied files whose content is no longer the one that was applied. Known only where the history holds hashes. */
  readonly edited: readonly MigrationFile[];
  /** Applied, but not in the folder any more. */
  readonly missing: readonly string[];
}

/** Compares folder and history. `recordedHashes` (from our journal) serve where the history holds none. */
export function standing(
  files: readonly MigrationFile[],
  history: readonly AppliedMigration[],
  recordedHashes: ReadonlyMap<string, string> = new Map(),
): Standing {
  const records = new Map(history.map((record) => [record.fileName, record]));
  const pending = files.filter(({ name }) => !records.has(name));
  const newest = [...records.keys()].sort().at(-1) ?? '';
  const edited = files.filter(({ name, hash }) => {
    const applied = records.get(name);
    const before = applied?.fileHash ?? recordedHashes.get(name);
    return applied !== undefined && before !== undefined && before !== hash;
  });
  const names = new Set(files.map(({ name }) => name));
  return {
    pending,
    applied: [...records.keys()],
    late: pending.filter(({ name }) => name < newest),
    edited,
    missing: [...records.keys()].filter((name) => !names.has(name)),
  };
}

/** A name under which a late file would come after everything that is applied: the same words with the time of `now` (UTC). */
export function renamed(name: string, now: Date): string {
  const stamp = now.toISOString().replace(/\D/g, '').slice(0, 14);
  const rest = name.replace(/^\d+[-_]?/, '');
  return `${stamp}-${rest}`;
}

export interface Selection {
  /** Last file to be run. */
  readonly to?: string | undefined;
  /** At most so many files. */
  readonly steps?: number | undefined;
}

/** The first pending files, up to `to` and at most `steps`; `undefined` when `to` is not among them. */
export function select(pending: readonly MigrationFile[], { to, steps }: Selection): readonly MigrationFile[] | undefined {
  const end = to === undefined ? pending.length : pending.findIndex(({ name }) => name === to || nameWithoutExtension(name) === to) + 1;
  return to !== undefined && end === 0 ? undefined : pending.slice(0, Math.min(end, steps ?? end));
}

function nameWithoutExtension(name: string): string {
  return name.replace(/\.[cm]?[jt]s$/, '');
}
