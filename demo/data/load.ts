import type { Collection, Db, Document } from 'mongodb';
import { collectionPlans, views } from './collections.ts';
import { documentsOf, type CollectionName } from './documents.ts';

const batchSize = 5_000;

/** Fills an empty database with the marketplace and returns the number of documents. */
export async function loadMarketplace(db: Db): Promise<number> {
  const names = Object.keys(collectionPlans) as CollectionName[];
  const counts = await Promise.all(names.map((name) => loadCollection(db, name)));
  for (const [name, { viewOn, pipeline }] of Object.entries(views)) await db.createCollection(name, { viewOn, pipeline: [...pipeline] });
  return counts.reduce((sum, count) => sum + count, 0);
}

async function loadCollection(db: Db, name: CollectionName): Promise<number> {
  const { options, indexes } = collectionPlans[name];
  const collection = await db.createCollection(name, options);
  const count = await insertAll(collection, documentsOf(name));
  if (indexes.length > 0) await collection.createIndexes([...indexes]);
  return count;
}

async function insertAll(collection: Collection, documents: Iterable<Document>): Promise<number> {
  let batch: Document[] = [];
  let count = 0;
  const flush = async (): Promise<void> => {
    if (batch.length > 0) await collection.insertMany(batch, { ordered: false, forceServerObjectId: true });
    count += batch.length;
    batch = [];
  };
  for (const document of documents) {
    batch.push(document);
    if (batch.length === batchSize) await flush();
  }
  await flush();
  return count;
}
