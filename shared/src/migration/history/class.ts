import path from 'node:path';
import type { Document } from 'mongodb';
import { byTime, type AppliedMigration, type History } from './history.ts';
import { addRecord, readRecords, removeRecords } from './records.ts';

/**
 * The history of runners of classes, as mongo-migrate-ts 2 keeps it: `{file, className, timestamp}`, the file relative to the folder of the
 * migrations (before 2.0 an absolute path), the time in milliseconds (mycodeself/mongo-migrate-ts, lib/database.ts). They go by the class
 * name; to us a migration is its file, so that a class may be renamed.
 */
export function classHistory(collection: string, classNameOf: (fileName: string) => string): History {
  return {
    kind: 'class',
    collection,
    read: async (db) => applied(await readRecords(db, collection)),
    applied,
    failures: () => Promise.resolve(new Map()),
    recordApplied: (db, { fileName, appliedAt }) => {
      const record = { file: fileName, className: classNameOf(fileName), timestamp: appliedAt.getTime() };
      return addRecord(db, collection, { fileName, record });
    },
    recordReverted: (db, fileName) => {
      const name = fileName.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
      return removeRecords(db, collection, { fileName, matching: { file: { $regex: `(^|[\\\\/])${name}$` } } });
    },
  };
}

function applied(records: readonly Document[]): readonly AppliedMigration[] {
  const known = records.map(toApplied).filter((found) => found !== undefined);
  return [...new Map(known.sort(byTime).map((record) => [record.fileName, record])).values()].sort(byTime);
}

function toApplied({ file, timestamp }: Readonly<Record<string, unknown>>): AppliedMigration | undefined {
  if (typeof file !== 'string') return undefined;
  return { fileName: path.posix.basename(file.replaceAll('\\', '/')), appliedAt: new Date(Number(timestamp ?? 0)) };
}
