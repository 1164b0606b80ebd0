import type { Db } from 'mongodb';
import { fromMongoError } from '../../errors/mongo-errors.ts';
import { isOwnCollection } from '../../mongo/own-collections.ts';

/** Documents in each collection. */
export type Counts = ReadonlyMap<string, number>;

/** How many documents there are, as the server knows it without counting. Throws the errors of `fromMongoError`. */
export async function readCounts(db: Db): Promise<Counts> {
  try {
    const collections = await db.listCollections({ type: 'collection' }, { nameOnly: true }).toArray();
    const names = collections.map(({ name }) => name).filter((name) => !isOwnCollection(name) && !name.startsWith('system.'));
    return new Map(await Promise.all(names.map(async (name) => [name, await db.collection(name).estimatedDocumentCount()] as const)));
  } catch (error) {
    throw fromMongoError(error, `Counting the documents of ${db.databaseName}`);
  }
}

/** What differs, for people: `orders: 90 → 102 documents; new: shops (3)`. It tells nothing of documents that were changed. */
export function describeCounts(before: Counts, after: Counts): string {
  const changes = [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((name) => {
    const [was, is] = [before.get(name), after.get(name)];
    if (was === is) return [];
    if (was === undefined) return [`new: ${name} (${is})`];
    return [is === undefined ? `gone: ${name} (${was})` : `${name}: ${was} → ${is} documents`];
  });
  return changes.length === 0 ? 'no number of documents changed' : changes.join('; ');
}
