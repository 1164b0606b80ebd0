import type { Db } from 'mongodb';
import { fromMongoError } from '../../errors/mongo-errors.ts';

/** A record of migrate-mongo's changelog (14.0.7). Older ones lack the block (before 12.0) or the hash (without `useFileHash`). */
export interface AppliedMigration {
  readonly fileName: string;
  readonly appliedAt: Date;
  readonly migrationBlock?: number;
  readonly fileHash?: string;
}

const majority = { writeConcern: { w: 'majority' } } as const;

/**
 * The applied migrations by time, then block, then name. A file that was recorded twice (its hash changed, or two runners raced) counts
 * once, with its newest record.
 */
export async function readHistory(db: Db, collection: string): Promise<readonly AppliedMigration[]> {
  try {
    const records = await db.collection(collection).find({}, { readPreference: 'primary' }).toArray();
    const newest = new Map<string, AppliedMigration>();
    for (const record of records
      .map(toApplied)
      .filter((found) => found !== undefined)
      .sort(byTime))
      newest.set(record.fileName, record);
    return [...newest.values()].sort(byTime);
  } catch (error) {
    throw fromMongoError(error, `Reading the migration history ${db.databaseName}.${collection}`);
  }
}

/** Adds a record exactly as migrate-mongo does after a successful `up`. */
export async function recordApplied(db: Db, collection: string, record: AppliedMigration): Promise<void> {
  const { fileName, fileHash, appliedAt, migrationBlock } = record;
  const hash = fileHash === undefined ? {} : { fileHash };
  try {
    await db.collection(collection).insertOne({ fileName, ...hash, appliedAt, migrationBlock }, majority);
  } catch (error) {
    throw fromMongoError(error, `Recording ${fileName} in ${db.databaseName}.${collection}`);
  }
}

/** Removes every record of a file after a successful `down`, so that it counts as pending again. */
export async function recordReverted(db: Db, collection: string, fileName: string): Promise<void> {
  try {
    await db.collection(collection).deleteMany({ fileName }, majority);
  } catch (error) {
    throw fromMongoError(error, `Removing ${fileName} from ${db.databaseName}.${collection}`);
  }
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

function byTime(a: AppliedMigration, b: AppliedMigration): number {
  return (
    a.appliedAt.getTime() - b.appliedAt.getTime() ||
    (a.migrationBlock ?? 0) - (b.migrationBlock ?? 0) ||
    (a.fileName < b.fileName ? -1 : Number(a.fileName > b.fileName))
  );
}
