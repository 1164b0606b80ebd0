import type { MongoClient } from 'mongodb';
import { fromMongoError } from '../errors/mongo-errors.ts';

/** Names of the sharded collections of a database; none on servers that are no part of a cluster. Throws the errors of `fromMongoError`. */
export async function shardedCollections(client: MongoClient, database: string): Promise<ReadonlySet<string>> {
  try {
    const hello = await client.db('admin').command({ hello: 1 });
    if (hello['msg'] !== 'isdbgrid') return new Set();
    const found = await client
      .db('config')
      .collection<{ _id: string; dropped?: boolean }>('collections')
      .find({ _id: { $gte: `${database}.`, $lt: `${database}/` } }, { projection: { dropped: 1 } })
      .toArray();
    return new Set(found.filter(({ dropped }) => dropped !== true).map(({ _id }) => _id.slice(database.length + 1)));
  } catch (error) {
    throw fromMongoError(error, `Looking for sharded collections of ${database}`);
  }
}
