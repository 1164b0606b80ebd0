import { nameWithoutExtension, type MigrationFile } from '../files.ts';
import type { ForeignRecord } from './foreign-record.ts';

/** A migration of another tool that is known here by its file. */
export interface Taken {
  readonly id: string;
  readonly file: MigrationFile;
  readonly appliedAt: Date | undefined;
}

export interface NotTaken {
  readonly id: string;
  readonly why: string;
}

export interface ImportPlan {
  /** To be recorded as applied, in the order of their files. */
  readonly taken: readonly Taken[];
  /** Matched, and in the history already. */
  readonly known: readonly Taken[];
  /** Applied by the other tool, but not matched with one file. */
  readonly unmatched: readonly NotTaken[];
  /** Not applied, by what the other tool says. */
  readonly skipped: readonly NotTaken[];
  /** Files of which the other tool knows nothing. */
  readonly pending: readonly string[];
}

export interface ImportPlanParts {
  readonly records: readonly ForeignRecord[];
  readonly files: readonly MigrationFile[];
  /** In the history already. */
  readonly applied: readonly string[];
  /** File names by the id of a record, for those whose names tell nothing. */
  readonly named: Readonly<Record<string, string>>;
}

/** Matches what another tool has applied with the files of the folder. */
export function planImport({ records, files, applied, named }: ImportPlanParts): ImportPlan {
  const matches = records.map((record) => ({ record, found: matching(record, files, named[record.id]) }));
  const done = matches.filter(({ record }) => record.state === 'applied');
  const taken = done
    .filter(({ record, found }) => found.length > 0 && (found.length === 1 || record.upTo !== undefined))
    .flatMap(({ record: { id, appliedAt }, found }) => found.map((file): Taken => ({ id, file, appliedAt })));
  const unique = [...new Map(taken.map((one) => [one.file.name, one])).values()].sort((a, b) => (a.file.name < b.file.name ? -1 : 1));
  const unmatched = done
    .filter(({ record, found }) => found.length === 0 || (found.length > 1 && record.upTo === undefined))
    .map(({ record, found }) => ({ id: record.id, why: whyNot(record, found, named[record.id]) }));
  const names = new Set([...applied, ...unique.map(({ file }) => file.name)]);
  return {
    taken: unique.filter(({ file }) => !applied.includes(file.name)),
    known: unique.filter(({ file }) => applied.includes(file.name)),
    unmatched,
    skipped: records.filter(({ state }) => state !== 'applied').map(({ id, state }) => ({ id, why: state })),
    pending: files.map(({ name }) => name).filter((name) => !names.has(name)),
  };
}

/** The files that a record means: the named one, else those of the first candidate that fits any. */
function matching(record: ForeignRecord, files: readonly MigrationFile[], named: string | undefined): readonly MigrationFile[] {
  if (named !== undefined) return files.filter(({ name }) => name === named);
  const { upTo, candidates } = record;
  if (upTo !== undefined) return files.filter(({ name }) => Number(/^\d+/.exec(name)?.[0] ?? Number.NaN) <= upTo);
  const ways = candidates.flatMap((candidate) => [
    (name: string) => name === candidate,
    (name: string) => plain(name) === plain(candidate),
    (name: string) => withoutNumber(name) === plain(candidate),
  ]);
  return ways.map((fits) => files.filter(({ name }) => fits(name))).find((found) => found.length > 0) ?? [];
}

/** Without extension, case and the kind of separators: `20240101-Add_Status.ts` is `20240101 add status`. */
function plain(name: string): string {
  return nameWithoutExtension(name)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, ' ')
    .trim();
}

function withoutNumber(name: string): string {
  return plain(name).replace(/^\d+ ?/, '');
}

function whyNot({ upTo }: ForeignRecord, found: readonly MigrationFile[], named: string | undefined): string {
  if (named !== undefined) return `there is no file ${named}`;
  if (upTo !== undefined) return `no file has a number up to ${upTo}`;
  return found.length === 0 ? 'no file has its name' : `several files could be it: ${found.map(({ name }) => name).join(', ')}`;
}
