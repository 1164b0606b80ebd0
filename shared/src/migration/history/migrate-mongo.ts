import type { Db, Document } from 'mongodb';
import { byTime, type AppliedMigration, type History } from './history.ts';
import { addRecord, readRecords, removeRecords } from './records.ts';

/**
 * The changelog of migrate-mongo (14.0.7): `{fileName, fileHash?, appliedAt, migrationBlock}`, one document for each applied file and
 * nothing else. Older records lack the block (before 12.0) or the hash (without `useFileHash`).
 */
export function migrateMongoHistory(collection: string): History {
  return {
    kind: 'migrate-mongo',
    collection,
    read: (db) => readHistory(db, collection),
    applied,
    failures: () => Promise.resolve(new Map()),
    recordApplied: (db, record) => recordApplied(db, collection, record),
    recordReverted: (db, fileName) => removeRecords(db, collection, { fileName, matching: { fileName } }),
  };
}

/**
 * The applied migrations by time, then block, then name. A file that was recorded twice (its hash changed, or two runners raced) counts
 * once, with its newest record.
 */
export async function readHistory(db: Db, collection: string): Promise<readonly AppliedMigration[]> {
  return applied(await readRecords(db, collection));
}

function applied(found: readonly Document[]): readonly AppliedMigration[] {
  const records = found.map(toApplied).filter((record) => record !== undefined);
  const newest = new Map<string, AppliedMigration>();
  for (const record of records.sort(byTime)) {
    const hashes = records
      .filter((other) => other !== record && other.fileName === record.fileName)
      .flatMap(({ fileHash }) => fileHash ?? []);
    newest.set(record.fileName, hashes.length === 0 ? record : { ...record, earlierHashes: hashes });
  }
  return [...newest.values()].sort(byTime);
}

/** Adds a record exactly as migrate-mongo does after a successful `up`. */
function recordApplied(db: Db, collection: string, applied: AppliedMigration): Promise<void> {
  const { fileName, fileHash, appliedAt, migrationBlock } = applied;
  const hash = fileHash === undefined ? {} : { fileHash };
  return addRecord(db, collection, { fileName, record: { fileName, ...hash, appliedAt, migrationBlock } });
}

function toApplied(record: Readonly<Record<string, unknown>>): AppliedMigration | undefined {
  const { fileName, appliedAt, migrationBlock, fileHash } = record;
  if (typeof fileName !== 'string') return undefined;
  return {
    fileName,
    appliedAt: appliedAt instanceof Date ? appliedAt : new Date(0),
    ...(typeof migrationBlock === 'number' ? { migrationBlock } : {}),
    ...(typeof fileHash === 'string' ? { fileHash } : {}),
  };
}
