import { randomFillSync } from 'node:crypto';
import { BSON, type MongoClient } from 'mongodb';
import { rawInserter } from '@migration-guard/shared/mongo/raw-write';

const perBatch = 5_000;
const underWay = 4;
/** Characters of the text in each document that differ, so that no codec packs the database to nothing. */
const randomLength = 200;

/** The first document of a collection; the next ones get other numbers and texts written into its bytes. */
const templates = {
  orders: { _id: 0, customer: 0, status: 'paid', total: 12.5, createdAt: new Date(1.7e12), lines: lines(4), note: filler() },
  customers: { _id: 0, region: 0, city: 'Aden', since: new Date(1.6e12), settings: { mail: true, language: 'ar' }, note: filler() },
} as const;

function lines(count: number): readonly object[] {
  return Array.from({ length: count }, (_, number) => ({ sku: `SKU-0000-${number}`, quantity: 1, price: 9.75 }));
}

function filler(): string {
  return 'n'.repeat(randomLength);
}

/** Fills `database` with orders and customers of about so many bytes, two of them orders for one of customers, each with an index. */
export async function fillShop(client: MongoClient, database: string, bytes: number): Promise<{ readonly documents: number }> {
  const { version } = await client.db('admin').command({ buildInfo: 1 });
  const inserter = rawInserter(client, String(version));
  let documents = 0;
  for (const [collection, first] of Object.entries(templates)) {
    const template = Buffer.from(BSON.serialize(first));
    const count = Math.round((bytes * (collection === 'orders' ? 2 : 1)) / 3 / template.length);
    const running = new Set<Promise<unknown>>();
    await client.db(database).createCollection(collection);
    for (let start = 0; start < count; start += perBatch) {
      const size = Math.min(perBatch, count - start);
      const batch = {
        database,
        collection,
        documents: numbered(template, start, size),
        count: size,
        ordered: false,
        bypassValidation: true,
      };
      const inserting = inserter.insert(batch).finally(() => running.delete(inserting));
      running.add(inserting);
      if (running.size >= underWay) await Promise.race(running);
    }
    await Promise.all(running);
    documents += count;
  }
  await client.db(database).collection('orders').createIndex({ customer: 1 });
  await client.db(database).collection('customers').createIndex({ region: 1 });
  return { documents };
}

function numbered(template: Buffer, start: number, count: number): Buffer {
  const bytes = Buffer.alloc(count * template.length);
  const random = randomFillSync(Buffer.alloc((count * randomLength) / 2));
  const idAt = template.indexOf('_id') + 4;
  const numberAt = template.indexOf(template.includes('customer') ? 'customer' : 'region');
  const referenceAt = template.indexOf(0, numberAt) + 1;
  const noteAt = template.indexOf('n'.repeat(randomLength));
  for (let index = 0; index < count; index += 1) {
    const at = index * template.length;
    template.copy(bytes, at);
    bytes.writeInt32LE(start + index, at + idAt);
    bytes.writeInt32LE(((start + index) * 7_919) % 500_009, at + referenceAt);
    bytes.write(random.toString('hex', (index * randomLength) / 2, ((index + 1) * randomLength) / 2), at + noteAt, 'latin1');
  }
  return bytes;
}

/** What a pull request brings: an index, a field for every customer, a value for a part of the orders. */
export const migrations: Readonly<Record<string, string>> = {
  '1-index.mjs': `export const up = (db) => db.collection('orders').createIndex({ createdAt: -1, status: 1 }, { name: 'by_time' });
export const down = (db) => db.collection('orders').dropIndex('by_time');
`,
  '2-tier.mjs': `export const up = (db) => db.collection('customers').updateMany({ tier: { $exists: false } }, { $set: { tier: 'basic' } });
export const down = (db) => db.collection('customers').updateMany({ tier: 'basic' }, { $unset: { tier: '' } });
`,
  '3-region.mjs': `export const up = (db) => db.collection('orders').updateMany({ customer: { $lt: 50000 } }, { $set: { status: 'archived' } });
export const down = (db) => db.collection('orders').updateMany({ status: 'archived' }, { $set: { status: 'paid' } });
`,
};
