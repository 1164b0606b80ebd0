import type { MongoClient } from 'mongodb';
import { releaseToken, type LockToken } from '../migration/lock.ts';

/** Removes the copy that a killed process left behind; false when it is gone, or in the hands of another run. */
export async function removeLeftCopy(client: MongoClient, token: LockToken): Promise<boolean> {
  const db = client.db(token.database);
  return (await releaseToken(db, token)) && (await db.dropDatabase());
}
