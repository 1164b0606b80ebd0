import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { lint } from './run.ts';
import { noSettings } from './settings.ts';

/** Ordinary, correct migrations as people write them. None may have a finding. */
const corpus: Readonly<Record<string, string>> = {
  '01-add-field.js': `module.exports = {
  async up(db, client) {
    await db.collection('users').updateMany({ active: { $exists: false } }, { $set: { active: true } });
  },
  async down(db, client) {
    await db.collection('users').updateMany({}, { $unset: { active: '' } });
  },
};`,
  '02-default-for-all.mjs': `export const up = async (db) => {
  await db.collection('orders').updateMany({}, { $set: { currency: 'YER' } });
  await db.collection('orders').createIndex({ total: 1 });
};
export const down = async (db) => {
  await db.collection('orders').dropIndex('total_1');
  await db.collection('orders').updateMany({}, { $unset: { currency: '' } });
};`,
  '03-create-collection.js': `module.exports.up = async function (db) {
  await db.createCollection('coupons', { validator: { $jsonSchema: { bsonType: 'object', required: ['code'], properties: { code: { bsonType: 'string' }, kind: { enum: ['a', 'b'] } } } } });
  await db.collection('coupons').createIndex({ code: 1 }, { unique: true });
};
module.exports.down = async function (db) {
  await db.collection('coupons').drop();
};`,
  '04-arrow-without-block.js': `exports.up = (db) => db.collection('settings').insertOne({ _id: 'theme', value: 'light' });
exports.down = (db) => db.collection('settings').deleteOne({ _id: 'theme' });`,
  '05-typescript.ts': `import type { Db, MongoClient } from 'mongodb';
interface User { name?: string; label: string }
export async function up(db: Db, _client: MongoClient): Promise<void> {
  const users = db.collection<User>('users');
  for await (const user of users.find({ label: { $exists: false } }).project<{ _id: unknown; name: string }>({ name: 1 })) {
    await users.updateOne({ _id: user._id as never }, { $set: { label: user.name!.trim() } });
  }
}
export async function down(db: Db): Promise<void> {
  await db.collection('users').updateMany({}, { $unset: { label: '' } });
}`,
  '06-bulk-in-batches.js': `const size = 500;
module.exports = {
  async up(db) {
    const cursor = db.collection('orders').find({ slug: { $exists: false } }, { projection: { title: 1 } });
    let batch = [];
    const flush = async () => {
      if (batch.length === 0) return;
      await db.collection('orders').bulkWrite(batch, { ordered: false });
      batch = [];
    };
    while (await cursor.hasNext()) {
      const order = await cursor.next();
      batch.push({ updateOne: { filter: { _id: order._id }, update: { $set: { slug: order.title.toLowerCase() } } } });
      if (batch.length >= size) await flush();
    }
    await flush();
  },
  async down(db) {
    await db.collection('orders').updateMany({}, { $unset: { slug: '' } });
  },
};`,
  '07-transaction.mjs': `export async function up(db, client) {
  const session = client.startSession();
  try {
    await session.withTransaction(async () => {
      await db.collection('accounts').updateOne({ _id: 'a', moved: null }, { $inc: { balance: -5 }, $set: { moved: true } }, { session });
      await db.collection('accounts').updateOne({ _id: 'b', moved: null }, { $inc: { balance: 5 }, $set: { moved: true } }, { session });
    });
  } finally {
    await session.endSession();
  }
}
export async function down(db, client) {
  await client.withSession(async (session) => {
    session.startTransaction();
    await db.collection('accounts').updateMany({ moved: true }, { $unset: { moved: '' } }, { session });
    await session.commitTransaction();
  });
}`,
  '08-options-in-a-constant.mjs': `export async function up(db, client) {
  await client.withSession(async (session) => {
    const options = { session, upsert: true };
    await session.withTransaction(async () => {
      const found = await db.collection('a').findOne({ _id: 1 }, options);
      await db.collection('a').insertOne({ copy: found }, { ...options });
    });
  });
}
export async function down(db) {
  await db.collection('a').deleteOne({ copy: { $exists: true } });
}`,
  '09-class.ts': `import { Db } from 'mongodb';
export class AddUserStatus1697280000000 {
  public async up(db: Db): Promise<void> {
    await this.users(db).updateMany({ status: null }, { $set: { status: 'active' } });
  }
  public async down(db: Db): Promise<void> {
    await this.users(db).updateMany({ status: 'active' }, { $unset: { status: '' } });
  }
  private users(db: Db) {
    return db.collection('users');
  }
}`,
  '10-class-with-constructor.ts': `export default class {
  constructor(private readonly db: import('mongodb').Db) {}
  async up() {
    await this.db.collection('tags').createIndex({ name: 1 }, { unique: true, name: 'name_unique' });
  }
  async down() {
    await this.db.collection('tags').dropIndex('name_unique');
  }
}`,
  '11-callback.js': `module.exports = {
  up(db, next) {
    db.collection('users').updateMany({ a: null }, { $set: { a: 1 } }, next);
  },
  down(db, next) {
    db.collection('users').updateMany({}, { $unset: { a: '' } }, next);
  },
};`,
  '12-promise-chain.js': `module.exports = {
  up(db) {
    return db.collection('users').find({ old: true }).toArray().then((users) =>
      Promise.all(users.map((user) => db.collection('users').updateOne({ _id: user._id }, { $set: { name: user.name || '' } }))));
  },
  down() {
    return Promise.resolve();
  },
};`,
  '13-seed.mjs': `const roles = ['admin', 'editor', 'reader'];
export const up = async (db) => {
  await db.collection('roles').insertMany(roles.map((_id) => ({ _id, createdAt: new Date() })));
};
export const down = async (db) => {
  await db.collection('roles').deleteMany({ _id: { $in: roles } });
};`,
  '14-upserts.mjs': `import { ObjectId } from 'mongodb';
export const up = async (db) => {
  for (const [name, value] of Object.entries({ a: 1, b: 2 })) {
    await db.collection('flags').updateOne({ name }, { $set: { value }, $setOnInsert: { key: new ObjectId() } }, { upsert: true });
  }
};
export const down = async (db) => {
  await db.collection('flags').deleteMany({ name: { $in: ['a', 'b'] } });
};`,
  '15-pipeline-update.cjs': `module.exports = {
  async up(db) {
    const words = { $split: ['$name', ' '] };
    await db.collection('users').updateMany({ firstName: { $exists: false } }, [{ $set: { firstName: { $first: words }, lastName: { $last: words } } }]);
  },
  async down(db) {
    await db.collection('users').updateMany({}, { $unset: { firstName: '', lastName: '' } });
  },
};`,
  '16-create-if-missing.js': `module.exports = {
  async up(db) {
    const existing = await db.listCollections({ name: 'audits' }).toArray();
    if (existing.length === 0) {
      await db.createCollection('audits');
    }
    await db.collection('users').updateMany({ audited: null }, { $set: { audited: false } });
  },
  async down(db) {
    await db.collection('users').updateMany({}, { $unset: { audited: '' } });
    await db.dropCollection('audits');
  },
};`,
  '17-validator.mjs': `export const up = (db) =>
  db.command({ collMod: 'orders', validator: { $jsonSchema: { required: ['total'] } }, validationLevel: 'moderate' });
export const down = (db) => db.command({ collMod: 'orders', validator: {}, validationLevel: 'off' });`,
  '18-array-filters.mjs': `export const up = async (db) => {
  const result = await db.collection('orders').updateMany(
    { 'items.qty': { $lt: 0 } },
    { $set: { 'items.$[item].qty': 0 } },
    { arrayFilters: [{ 'item.qty': { $lt: 0 } }] },
  );
  console.log(\`\${result.modifiedCount} orders\`);
};
export const irreversible = 'The negative quantities were wrong.';`,
  '19-merge-into-new.mjs': `export const up = async (db) => {
  await db.collection('orders').aggregate([{ $group: { _id: '$user', total: { $sum: '$total' } } }, { $merge: { into: 'totals' } }]).toArray();
};
export const down = async (db) => {
  await db.collection('totals').drop();
};`,
  '20-view.mjs': `export const up = async (db) => {
  await db.createCollection('open_orders', { viewOn: 'orders', pipeline: [{ $match: { status: 'open' } }, { $project: { total: 1 } }] });
};
export const down = async (db) => {
  await db.collection('open_orders').drop();
};`,
  '21-time-series.mjs': `export const up = async (db) => {
  await db.createCollection('weather', { timeseries: { timeField: 'at', metaField: 'sensor' }, expireAfterSeconds: 3600 });
};
export const down = async (db) => {
  await db.dropCollection('weather');
};`,
  '22-several-indexes.ts': `import { Db, type IndexDescription } from 'mongodb';
const indexes: IndexDescription[] = [{ key: { user: 1 }, name: 'user' }, { key: { place: '2dsphere' }, name: 'place' }];
export const up = async (db: Db) => {
  await db.collection('orders').createIndexes(indexes);
};
export const down = async (db: Db) => {
  for (const { name } of indexes) await db.collection('orders').dropIndex(name as string);
};`,
  '23-push-with-mark.mjs': `export const up = async (db) => {
  await db.collection('users').updateMany({ roles: { $ne: 'reader' } }, { $push: { roles: 'reader' } });
};
export const down = async (db) => {
  await db.collection('users').updateMany({}, { $pull: { roles: 'reader' } });
};`,
  '24-from-environment.mjs': `const country = process.env.COUNTRY ?? 'YE';
export const up = async (db, client) => {
  const tenants = await db.admin().listDatabases();
  for (const { name } of tenants.databases.filter((database) => database.name.startsWith('tenant_'))) {
    await client.db(name).collection('shops').updateMany({ country: null }, { $set: { country } });
  }
};
export const down = async (db, client) => {
  await client.db().collection('shops').updateMany({ country }, { $set: { country: null } });
};`,
  '25-unordered-bulk.js': `module.exports = {
  up: async (db) => {
    const bulk = db.collection('products').initializeUnorderedBulkOp();
    bulk.find({ kind: null }).update({ $set: { kind: 'good' } });
    await bulk.execute();
  },
  down: async (db) => {
    await db.collection('products').updateMany({ kind: 'good' }, { $set: { kind: null } });
  },
};`,
};

test.each(Object.entries(corpus))('%s has no finding', (name, text) => {
  expect(lint([{ file: `migrations/${name}`, text }], Object.keys(corpus), noSettings)).toEqual([]);
});

const demo = path.resolve(import.meta.dirname, '../../../../demo/migrations');

function demoFindings(folder: string): readonly string[] {
  const names = readdirSync(path.join(demo, folder));
  const sources = names.map((name) => ({ file: `migrations/${name}`, text: readFileSync(path.join(demo, folder, name), 'utf8') }));
  return lint(sources, names, noSettings).map(({ code, severity }) => `${code} ${severity}`);
}

test("the demo's good migrations have no finding, and its bad one passes review: only the rehearsal can tell", () => {
  expect(demoFindings('good')).toEqual([]);
  expect(demoFindings('bad')).toEqual(['MC201 warning']);
});
