import type { Db } from 'mongodb';
import type { MigrationFile } from '../files.ts';
import { readRecords } from '../history/records.ts';
import { planImport } from './plan.ts';
import { importSources, sourceFormats, type ImportSource } from './sources.ts';

/** The history of another tool that knows some of our files as applied. */
export interface Elsewhere {
  readonly source: ImportSource;
  readonly collection: string;
  readonly files: readonly string[];
}

/** golang-migrate keeps one number, below which any file may lie by chance. */
const telling = importSources.filter((source) => source !== 'golang-migrate');

/**
 * The history that knows most of `files` as applied, among the collections in which known tools keep theirs; the first of `importSources`
 * counts where several know as many. Nothing where none knows any.
 */
export async function appliedElsewhere(db: Db, files: readonly MigrationFile[]): Promise<Elsewhere | undefined> {
  const collections = [...new Set(telling.map((source) => sourceFormats[source].collection))];
  const records = new Map(await Promise.all(collections.map(async (name) => [name, await readRecords(db, name)] as const)));
  const found = telling.map((source): Elsewhere => {
    const format = sourceFormats[source];
    const known = format.read(records.get(format.collection) ?? []);
    const { taken } = planImport({ records: known, files, applied: [], named: {} });
    return { source, collection: format.collection, files: taken.map(({ file }) => file.name) };
  });
  const [most] = found.filter(({ files: known }) => known.length > 0).sort((a, b) => b.files.length - a.files.length);
  return most;
}
