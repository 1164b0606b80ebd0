/** Twenty correct migrations of all kinds, as people write them. Names sort in the order in which they build on each other. */
export const ordinaryMigrations: Readonly<Record<string, string>> = {
  '20240101000001-default-value.js': `module.exports = {
  async up(db) { await db.collection('orders').updateMany({ currency: { $exists: false } }, { $set: { currency: 'YER' } }); },
  async down(db) { await db.collection('orders').updateMany({}, { $unset: { currency: '' } }); },
};`,
  '20240101000002-index.mjs': `export const up = (db) => db.collection('orders').createIndex({ status: 1 });
export const down = (db) => db.collection('orders').dropIndex('status_1');`,
  '20240101000003-partial-index.mjs': `export const up = async (db) => { await db.collection('orders').createIndex({ total: -1 }, { name: 'open_total', partialFilterExpression: { status: 'open' } }); };
export const down = async (db) => { await db.collection('orders').dropIndex('open_total'); };`,
  '20240101000004-new-collection.mjs': `export const up = async (db) => {
  await db.createCollection('coupons', { validator: { $jsonSchema: { bsonType: 'object', required: ['code'], properties: { code: { bsonType: 'string' } } } } });
};
export const down = async (db) => { await db.collection('coupons').drop(); };`,
  '20240101000005-seed.mjs': `export const up = async (db) => { await db.collection('coupons').insertMany([{ code: 'WELCOME' }, { code: 'SPRING' }]); };
export const down = async (db) => { await db.collection('coupons').deleteMany({ code: { $in: ['WELCOME', 'SPRING'] } }); };`,
  '20240101000006-unique-index.mjs': `export const up = async (db) => { await db.collection('coupons').createIndex({ code: 1 }, { unique: true }); };
export const down = async (db) => { await db.collection('coupons').dropIndex('code_1'); };`,
  '20240101000007-computed.mjs': `export const up = async (db) => {
  await db.collection('orders').updateMany({ gross: null }, [{ $set: { gross: { $multiply: ['$total', 2] } } }]);
};
export const down = async (db) => { await db.collection('orders').updateMany({}, { $unset: { gross: '' } }); };`,
  '20240101000008-loop.mjs': `export const up = async (db) => {
  const customers = db.collection('customers');
  for await (const customer of customers.find({ slug: { $exists: false } }, { projection: { name: 1 } })) {
    await customers.updateOne({ _id: customer._id }, { $set: { slug: customer.name.toLowerCase().replace(' ', '-') } });
  }
};
export const down = async (db) => { await db.collection('customers').updateMany({}, { $unset: { slug: '' } }); };`,
  '20240101000009-bulk.js': `module.exports.up = async (db) => {
  const orders = await db.collection('orders').find({ big: null }, { projection: { total: 1 }, limit: 1000 }).toArray();
  await db.collection('orders').bulkWrite(orders.map(({ _id, total }) => ({ updateOne: { filter: { _id }, update: { $set: { big: total > 50 } } } })), { ordered: false });
};
module.exports.down = async (db) => { await db.collection('orders').updateMany({}, { $unset: { big: '' } }); };`,
  '20240101000010-updated-at.mjs': `export const up = async (db) => {
  await db.collection('customers').updateMany({ updatedAt: null }, { $set: { level: 'new', updatedAt: new Date() } });
};
export const down = async (db) => { await db.collection('customers').updateMany({}, { $unset: { level: '', updatedAt: '' } }); };`,
  '20240101000011-generated-ids.mjs': `import { randomUUID } from 'node:crypto';
export const up = async (db) => {
  await db.collection('shops').insertOne({ name: 'Aden', key: randomUUID(), openedAt: new Date(0) });
  const { _id } = await db.collection('shops').findOne({ name: 'Aden' });
  await db.collection('customers').updateMany({ shop: null }, { $set: { shop: _id } });
};
export const down = async (db) => {
  await db.collection('customers').updateMany({}, { $unset: { shop: '' } });
  await db.collection('shops').drop();
};`,
  '20240101000012-array.mjs': `export const up = async (db) => { await db.collection('orders').updateMany({ tags: { $ne: 'all' } }, { $push: { tags: 'all' } }); };
export const down = async (db) => { await db.collection('orders').updateMany({}, { $pull: { tags: 'all' } }); };`,
  '20240101000013-embedded.mjs': `export const up = async (db) => {
  await db.collection('customers').updateMany({ 'address.country': null }, { $set: { 'address.country': 'YE' } });
};
export const down = async (db) => { await db.collection('customers').updateMany({}, { $unset: { address: '' } }); };`,
  '20240101000014-transaction.mjs': `export const up = async (db, client) => {
  const session = client.startSession();
  try {
    await session.withTransaction(async () => {
      await db.collection('orders').updateOne({ _id: 1, moved: null }, { $set: { moved: true } }, { session });
      await db.collection('orders').updateOne({ _id: 2, moved: null }, { $set: { moved: true } }, { session });
    });
  } finally {
    await session.endSession();
  }
};
export const down = async (db) => { await db.collection('orders').updateMany({ _id: { $in: [1, 2] } }, { $unset: { moved: '' } }); };`,
  '20240101000015-view.mjs': `export const up = async (db) => { await db.createCollection('open_orders', { viewOn: 'orders', pipeline: [{ $match: { status: 'open' } }] }); };
export const down = async (db) => { await db.collection('open_orders').drop(); };`,
  '20240101000016-summary.mjs': `export const up = async (db) => {
  await db.collection('orders').aggregate([{ $group: { _id: '$status', total: { $sum: '$total' } } }, { $merge: { into: 'totals_by_status', whenMatched: 'merge' } }]).toArray();
};
export const down = async (db) => { await db.collection('totals_by_status').drop(); };`,
  '20240101000017-upsert.mjs': `export const up = async (db) => { await db.collection('settings').updateOne({ _id: 'theme' }, { $set: { value: 'light' } }, { upsert: true }); };
export const down = async (db) => { await db.collection('settings').drop(); };`,
  '20240101000018-no-op-guards.mjs': `export const up = async (db) => {
  const names = (await db.listCollections({ name: 'archive' }).toArray()).map(({ name }) => name);
  if (names.length === 0) await db.createCollection('archive', { capped: true, size: 4096 });
};
export const down = async (db) => { await db.collection('archive').drop(); };`,
  '20240101000019-typed.ts': `import type { Db } from 'mongodb';
export async function up(db: Db): Promise<void> {
  await db.collection<{ _id: number; rank?: number }>('customers').updateMany({ rank: { $exists: false } }, { $set: { rank: 1 } });
}
export async function down(db: Db): Promise<void> {
  await db.collection('customers').updateMany({}, { $unset: { rank: '' } });
}`,
  '20240101000020-all-collections.mjs': `export const up = async (db) => {
  for (const { name, type } of await db.listCollections().toArray()) {
    if (type === 'collection' && name === 'customers') await db.collection(name).createIndex({ tenant: 1 });
  }
};
export const down = async (db) => { await db.collection('customers').dropIndex('tenant_1'); };`,
};
