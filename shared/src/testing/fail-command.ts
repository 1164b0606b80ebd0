import { setTimeout as sleep } from 'node:timers/promises';
import { MongoServerError, type Collection, type Document, type MongoClient } from 'mongodb';

const lockId = 'failCommand';
const retryMilliseconds = 20;

/**
 * Makes commands of the shared server fail until it is disposed of. The server has one such fail point for all test files: who wants it waits
 * until no other one has it.
 */
export async function failCommand(client: MongoClient, mode: 'alwaysOn' | Document, data: Document): Promise<AsyncDisposable> {
  const locks = client.db('testing').collection<{ _id: string }>('locks');
  while (!(await take(locks))) await sleep(retryMilliseconds);
  await client.db('admin').command({ configureFailPoint: 'failCommand', mode, data });
  return {
    [Symbol.asyncDispose]: async () => {
      await client.db('admin').command({ configureFailPoint: 'failCommand', mode: 'off' });
      await locks.deleteOne({ _id: lockId });
    },
  };
}

async function take(locks: Collection<{ _id: string }>): Promise<boolean> {
  try {
    await locks.insertOne({ _id: lockId });
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === 11_000) return false;
    throw error;
  }
}
