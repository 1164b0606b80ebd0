import { nameWithoutExtension, type MigrationFile } from './files.ts';
import type { AppliedMigration } from './history/history.ts';

/** How the files of the folder stand to the history of the database. */
export interface Standing {
  /** To be applied, in order. */
  readonly pending: readonly MigrationFile[];
  /** In the history, oldest first. */
  readonly applied: readonly string[];
  /** Pending for the first time, and sorting before one that is applied already. */
  readonly late: readonly MigrationFile[];
  /** Applied files whose content is no longer the one that was applied. Known only where a hash was recorded. */
  readonly edited: readonly MigrationFile[];
  /** Applied, but not in the folder any more. */
  readonly missing: readonly string[];
}

export interface StandingOptions {
  /** Hashes with which files ran, from our journal: they serve where the history holds none. */
  readonly recordedHashes?: ReadonlyMap<string, string>;
  /** Edited files are pending again, as migrate-mongo has it with `useFileHash`. */
  readonly runEdited?: boolean;
}

/** Compares folder and history. A history that leaves extensions out means the file of that name. */
export function standing(
  files: readonly MigrationFile[],
  history: readonly AppliedMigration[],
  { recordedHashes = new Map(), runEdited = false }: StandingOptions = {},
): Standing {
  const byStem = new Map(files.map(({ name }) => [nameWithoutExtension(name), name]));
  const records = new Map(history.map((record) => [byStem.get(record.fileName) ?? record.fileName, record]));
  const edited = files.filter(({ name, hash }) => {
    const record = records.get(name);
    const before = record === undefined ? [] : hashesOf(record, recordedHashes.get(name));
    return before.length > 0 && !before.includes(hash);
  });
  const newest = [...records.keys()].sort().at(-1) ?? '';
  const names = new Set(files.map(({ name }) => name));
  return {
    pending: files.filter((file) => !records.has(file.name) || (runEdited && edited.includes(file))),
    applied: [...records.keys()],
    late: files.filter(({ name }) => !records.has(name) && name < newest),
    edited,
    missing: [...records.keys()].filter((name) => !names.has(name)),
  };
}

function hashesOf({ fileHash, earlierHashes = [] }: AppliedMigration, recorded: string | undefined): readonly string[] {
  if (fileHash !== undefined) return [fileHash, ...earlierHashes];
  return recorded === undefined ? [] : [recorded];
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
  /** These files and no other. */
  readonly only?: readonly string[] | undefined;
}

/** What a selection takes of the pending files, or the names in it that are not pending. Names may leave the extension out. */
export type Selected = { readonly files: readonly MigrationFile[] } | { readonly unknown: readonly string[] };

/** The first pending files, up to `to` and at most `steps`, of those that `only` names. */
export function select(pending: readonly MigrationFile[], { to, steps, only }: Selection): Selected {
  const wanted = [...(only ?? []), ...(to === undefined ? [] : [to])];
  const unknown = wanted.filter((name) => !pending.some((file) => isNamed(file, name)));
  if (unknown.length > 0) return { unknown };
  const end = to === undefined ? pending.length : pending.findIndex((file) => isNamed(file, to)) + 1;
  const chosen = pending.slice(0, end).filter((file) => only === undefined || only.some((name) => isNamed(file, name)));
  return { files: chosen.slice(0, steps ?? chosen.length) };
}

/** Whether a person means this file by `name`, with or without its extension. */
export function isNamed({ name }: Pick<MigrationFile, 'name'>, wanted: string): boolean {
  return name === wanted || nameWithoutExtension(name) === wanted;
}
