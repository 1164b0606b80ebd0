import { randomFillSync } from 'node:crypto';
import { BSON, type MongoClient } from 'mongodb';
import { rawInserter } from '@migration-guard/shared/mongo/raw-write';

const perBatch = 20_000;
const underWay = 4;

/** One order of fixed length, so that the next ones are made by writing into its bytes. */
const template = Buffer.from(
  BSON.serialize({ _id: 0, user: 0, status: 'delivered', total: 12.5, createdAt: new Date(1.7e12), note: 'n'.repeat(48) }),
);
const idAt = template.indexOf('_id') + 4;
const userAt = template.indexOf('user') + 5;
const noteAt = template.indexOf('n'.repeat(48));

/** Bytes of one document. */
export const documentBytes: number = template.length;

/** Fills `database.orders` with so many small orders, `_id` counting from 0, and gives it an index. */
export async function fillOrders(client: MongoClient, database: string, documents: number): Promise<void> {
  const { version } = await client.db('admin').command({ buildInfo: 1 });
  const inserter = rawInserter(client, String(version));
  await client.db(database).createCollection('orders');
  const running = new Set<Promise<unknown>>();
  for (let start = 0; start < documents; start += perBatch) {
    const count = Math.min(perBatch, documents - start);
    const batch = { database, collection: 'orders', documents: orders(start, count), count, ordered: false, bypassValidation: true };
    const inserting = inserter.insert(batch).finally(() => running.delete(inserting));
    running.add(inserting);
    if (running.size >= underWay) await Promise.race(running);
  }
  await Promise.all(running);
  await client.db(database).collection('orders').createIndex({ user: 1 });
}

function orders(start: number, count: number): Buffer {
  const bytes = Buffer.alloc(count * template.length);
  const random = randomFillSync(Buffer.alloc(count * 24));
  for (let index = 0; index < count; index += 1) {
    const at = index * template.length;
    template.copy(bytes, at);
    bytes.writeInt32LE(start + index, at + idAt);
    bytes.writeInt32LE((start + index) % 1_000_003, at + userAt);
    bytes.write(random.toString('hex', index * 24, index * 24 + 24), at + noteAt, 'latin1');
  }
  return bytes;
}
