import type { Document } from 'mongodb';
import { byTime, type AppliedMigration, type History } from './history.ts';
import { addRecord, readRecords, removeRecords } from './records.ts';

interface PlainRecord {
  readonly filename: string;
  readonly executedAt: Date;
  readonly success: boolean;
}

/** The history of many home-made runners: `{filename, executedAt, success}`. A record with `success: false` is a run that failed. */
export function plainHistory(collection: string): History {
  return {
    kind: 'plain',
    collection,
    read: async (db) => applied(await readRecords(db, collection)),
    applied,
    failures: async (db) => {
      const all = toRecords(await readRecords(db, collection));
      const successful = newestSuccess(all);
      const failed = all.filter(({ filename, success }) => !success && !successful.has(filename));
      return new Map(failed.map(({ filename, executedAt }) => [filename, executedAt]));
    },
    recordApplied: (db, { fileName, appliedAt }) =>
      addRecord(db, collection, {
        fileName,
        record: { filename: fileName, executedAt: appliedAt, success: true },
        replaced: { filename: fileName },
      }),
    recordReverted: (db, fileName) => removeRecords(db, collection, { fileName, matching: { filename: fileName } }),
  };
}

function applied(records: readonly Document[]): readonly AppliedMigration[] {
  return [...newestSuccess(toRecords(records)).values()].sort(byTime);
}

/** By time. */
function toRecords(found: readonly Document[]): readonly PlainRecord[] {
  const records = found.map(toRecord).filter((record) => record !== undefined);
  return records.sort((a, b) => a.executedAt.getTime() - b.executedAt.getTime());
}

/** The newest successful record of each file. */
function newestSuccess(records: readonly PlainRecord[]): ReadonlyMap<string, AppliedMigration> {
  const successful = records.filter(({ success }) => success);
  return new Map(successful.map(({ filename, executedAt }) => [filename, { fileName: filename, appliedAt: executedAt }]));
}

/** A record without `success` comes from a runner that writes only after a success. */
function toRecord({ filename, executedAt, success }: Readonly<Record<string, unknown>>): PlainRecord | undefined {
  if (typeof filename !== 'string') return undefined;
  return { filename, executedAt: executedAt instanceof Date ? executedAt : new Date(0), success: success !== false };
}
