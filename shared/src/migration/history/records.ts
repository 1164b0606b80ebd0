import type { Db, Document, Filter } from 'mongodb';
import { fromMongoError } from '../../errors/mongo-errors.ts';

const writeConcern = { w: 'majority' } as const;

/** Every document of a history collection, from the primary. */
export async function readRecords(db: Db, collection: string): Promise<readonly Document[]> {
  try {
    return await db.collection(collection).find({}, { readPreference: 'primary' }).toArray();
  } catch (error) {
    throw fromMongoError(error, `Reading the migration history ${db.databaseName}.${collection}`);
  }
}

/** Adds a record for `fileName`, confirmed by a majority; with `replaced` it takes the place of what matches. */
export async function addRecord(
  db: Db,
  collection: string,
  { fileName, record, replaced }: { readonly fileName: string; readonly record: Document; readonly replaced?: Filter<Document> },
): Promise<void> {
  try {
    const records = db.collection(collection);
    if (replaced === undefined) await records.insertOne(record, { writeConcern });
    else await records.replaceOne(replaced, record, { upsert: true, writeConcern });
  } catch (error) {
    throw fromMongoError(error, `Recording ${fileName} in ${db.databaseName}.${collection}`);
  }
}

/** Removes the records of `fileName`, those that match. */
export async function removeRecords(
  db: Db,
  collection: string,
  { fileName, matching }: { readonly fileName: string; readonly matching: Filter<Document> },
): Promise<void> {
  try {
    await db.collection(collection).deleteMany(matching, { writeConcern });
  } catch (error) {
    throw fromMongoError(error, `Removing ${fileName} from ${db.databaseName}.${collection}`);
  }
}
