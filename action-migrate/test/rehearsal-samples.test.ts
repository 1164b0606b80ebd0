import { describe, expect, test } from '@jest/globals';
import { census, differs } from './truth.ts';
import { openFixture } from './fixture.ts';
import { ordinaryMigrations } from './ordinary-migrations.ts';

/** Takes a backup of a small shop and rehearses a repository on it; the source must stay as it is. */
async function rehearse(files: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) {
  await using fixture = await openFixture(files);
  const { db } = fixture;
  await db.collection('orders').updateMany({}, [
    {
      $set: {
        status: { $cond: [{ $lt: ['$_id', 45] }, 'open', 'paid'] },
        email: { $concat: ['user', { $toString: { $mod: ['$_id', 80] } }] },
        tags: ['b', 'a'],
      },
    },
  ]);
  await db
    .collection<{ _id: number }>('customers')
    .insertMany(Array.from({ length: 20 }, (_, _id) => ({ _id, name: `Customer ${_id}`, createdAt: new Date(0) })));
  const backup = await fixture.backUp();
  const before = await census(db);
  const step = await fixture.migrate('rehearse', { store: 'backups', 'backup-id': backup }, { env });
  expect(differs(before, await census(db))).toEqual([]);
  return step;
}

const nothing = 'export const down = async () => {};';

/** One repository for each class of fault, and what the finding says. */
const faults: Readonly<Record<string, { readonly source: string; readonly rule: string; readonly says: RegExp }>> = {
  'passes on an empty database but fails on data': {
    source: `export const up = async (db) => {\n  await db.collection('orders').updateMany({}, [{ $set: { total: { $toDate: '$email' } } }]);\n};\nexport const down = async () => {};`,
    rule: 'rehearsal/up-failed',
    says: /up of 1\.mjs line 2 failed/,
  },
  'deletes a third': {
    source: `export const up = async (db) => { await db.collection('orders').deleteMany({ total: { $lt: 30 } }); };\n${nothing}`,
    rule: 'rehearsal/large-deletion',
    says: /file=migrations\/1\.mjs,line=1::rehearsal\/large-deletion: 1\.mjs removes 30 of 90 documents of orders \(33 %/,
  },
  'wipes a collection by a $nin': {
    source: `export const up = async (db) => { await db.collection('orders').deleteMany({ state: { $nin: ['open', 'paid'] } }); };\n${nothing}`,
    rule: 'rehearsal/large-deletion',
    says: /removes 90 of 90 documents of orders \(100 %/,
  },
  'changes nothing': {
    source: `export const up = async (db) => { await db.collection('orders').updateMany({ state: 'open' }, { $set: { open: true } }); };\nexport const down = async (db) => { await db.collection('orders').updateMany({ state: 'open' }, { $unset: { open: '' } }); };`,
    rule: 'rehearsal/changed-nothing',
    says: /up of 1\.mjs changed nothing on the copy/,
  },
  'changes nothing, but its down does': {
    source: `export const up = async (db) => { await db.collection('orders').updateMany({ state: 'open' }, { $set: { open: true } }); };\nexport const down = async (db) => { await db.collection('orders').updateMany({}, { $unset: { total: '' } }); };`,
    rule: 'rehearsal/down-changes-data',
    says: /down of 1\.mjs changes data although its up changed nothing: orders: documents 90 changed: total removed \(int\) in 90/,
  },
  'writes into the wrong collection': {
    source: `export const up = async (db) => {\n  await db.collection('order').insertOne({ _id: 1000, total: 1 });\n};\nexport const down = async (db) => { await db.collection('order').drop(); };`,
    rule: 'rehearsal/wrong-collection',
    says: /writes to the collection order, which was not there: was orders meant/,
  },
  'has a lying down': {
    source: `export const up = async (db) => { await db.collection('orders').updateMany({ status: 'open' }, { $set: { status: 'new' } }); };\nexport const down = async (db) => { await db.collection('orders').updateOne({ _id: 0 }, { $set: { status: 'open' } }); };`,
    rule: 'rehearsal/down-not-exact',
    says: /orders: documents 44 changed: status another value in 44, for example _id 1, 2, 3, 4, 5/,
  },
  'has a down that only changes the order in arrays': {
    source: `export const up = async (db) => { await db.collection('orders').updateMany({}, { $push: { tags: 'c' } }); };\nexport const down = async (db) => { await db.collection('orders').updateMany({}, { $set: { tags: ['a', 'b'] } }); };`,
    rule: 'rehearsal/down-not-exact',
    says: /orders: documents 90 with another order only: tags another order of the elements in 90/,
  },
  'leaves an index behind': {
    source: `export const up = async (db) => { await db.collection('orders').createIndex({ status: 1 }); };\nexport const down = async () => {};`,
    rule: 'rehearsal/down-not-exact',
    says: /orders: other indexes \(new status_1\)/,
  },
  'has no down': {
    source: `export const up = async (db) => { await db.collection('orders').updateMany({ paid: null }, { $set: { paid: false } }); };`,
    rule: 'rehearsal/down-missing',
    says: /1\.mjs has no down/,
  },
  'is not repeatable': {
    source: `let runs = 0;\nexport const up = async (db) => { await db.collection('orders').insertMany(Array.from({ length: ++runs }, (_, n) => ({ _id: 1000 + n }))); };\nexport const down = async (db) => { await db.collection('orders').deleteMany({ _id: { $gte: 1000 } }); };`,
    rule: 'rehearsal/not-repeatable',
    says: /orders: documents 1 too many, for example _id 1001/,
  },
  'builds a unique index on duplicates': {
    source: `export const up = async (db) => { await db.collection('orders').createIndex({ email: 1 }, { unique: true }); };\nexport const down = async (db) => { await db.collection('orders').dropIndex('email_1'); };`,
    rule: 'rehearsal/up-failed',
    says: /DuplicateKey/,
  },
  'does not await its writes': {
    source: `export const up = async (db) => { db.collection('orders').updateMany({}, { $set: { a: 1 } }); };\nexport const down = async (db) => { await db.collection('orders').updateMany({}, { $unset: { a: '' } }); };`,
    rule: 'rehearsal/unawaited-writes',
    says: /an await is missing/,
  },
  'catches errors and only logs them': {
    source: `export const up = async (db) => {\n  try { await db.collection('orders').insertMany([{ _id: 0 }, { _id: 2000 }]); } catch (error) { console.log('skipped'); }\n  await db.collection('orders').insertOne({ _id: 2001 });\n};\nexport const down = async (db) => { await db.collection('orders').deleteMany({ _id: { $gte: 2000 } }); };`,
    rule: 'MF307',
    says: /1 of these writes \(insert orders\) were refused, and up went on/,
  },
  'opens a client of its own': {
    source: `import { MongoClient } from 'mongodb';\nexport const up = async () => {\n  const client = await MongoClient.connect(process.env.SHOP_URI);\n  await client.db().collection('orders').deleteMany({});\n};\n${nothing}`,
    rule: 'rehearsal/outside-copy',
    says: /migrations\/1\.mjs line 3 connects to 127\.0\.0\.1:1, which is not the copy/,
  },
  'uses another database': {
    source: `export const up = async (db, client) => {\n  await client.db('audit').collection('log').insertOne({ _id: 1 });\n};\n${nothing}`,
    rule: 'rehearsal/outside-copy',
    says: /migrations\/1\.mjs line 2 uses audit\.log, which is not part of the copy/,
  },
  'says that it is idempotent and is not': {
    source: `export const idempotent = true;\nexport const up = async (db) => {\n  for (let id = 0; id < 6; id++) await db.collection('orders').updateOne({ _id: id }, { $inc: { total: 1 } });\n};\nexport const down = async (db) => {\n  for (let id = 0; id < 6; id++) await db.collection('orders').updateOne({ _id: id }, { $inc: { total: -1 } });\n};`,
    rule: 'rehearsal/not-resumable',
    says: /after 1 of 6 writes\) a second up does not end as it should: the data differ: orders: documents 1 changed/,
  },
};

describe('the rehearsal finds a migration that', () => {
  test.each(Object.entries(faults))('%s', async (_what, { source, rule, says }) => {
    const step = await rehearse({ 'migrations/1.mjs': source }, { SHOP_URI: 'mongodb://user:secret@127.0.0.1:1/shop' });
    expect(step.outputs['result']).toBe(rule === 'rehearsal/changed-nothing' || rule === 'rehearsal/down-missing' ? 'warned' : 'failed');
    expect(step.rawLog).toContain(`${rule}: `);
    expect(step.rawLog).toMatch(says);
    expect(step.rawLog).not.toContain('secret');
  });
});

test('what the configuration asks for is looked at: plans of queries, the share that changes; values are shown where they may be', async () => {
  const settings = `migrate:
  rehearsal:
    queries: [{ collection: orders, filter: { status: open }, sort: { total: -1 } }]
    max-changed-percent: 50
    show-values: true
`;
  const index = `export const up = (db) => db.collection('orders').createIndex({ status: 1, total: -1 });
export const down = (db) => db.collection('orders').dropIndex('status_1_total_-1');`;
  const source = `export const up = async (db) => {
  await db.command({ collMod: 'orders', index: { name: 'status_1_total_-1', hidden: true } });
  await db.collection('orders').updateMany({ paid: null }, { $set: { paid: 'no' } });
};
export const down = async (db) => {
  await db.collection('orders').updateMany({}, { $unset: { paid: '' } });
  await db.command({ collMod: 'orders', index: { name: 'status_1_total_-1', hidden: false } });
};`;
  const step = await rehearse({ 'migrations/1.mjs': index, 'migrations/2.mjs': source, '.github/migration-guard.yml': settings });
  expect(step.outputs).toMatchObject({ result: 'warned', findings: '2' });
  expect(step.rawLog).toContain(
    'MC205: The query of orders by status, total was answered by IXSCAN status_1_total_-1, and is now by COLLSCAN and a sort in memory.',
  );
  expect(step.rawLog).toMatch(
    /file=migrations\/2\.mjs,line=3.*MD107: 90 of 90 documents of orders are changed or removed \(100 %25, allowed are 50 %25\)/,
  );
  expect(step.summary).toContain('paid: nothing → "no"');
});

test('ordinary migrations of all kinds pass without a finding', async () => {
  const step = await rehearse(Object.fromEntries(Object.entries(ordinaryMigrations).map(([name, text]) => [`migrations/${name}`, text])));
  expect(step.rawLog).not.toMatch(/::(error|warning|notice)/);
  expect(step).toMatchObject({ exitCode: 0, outputs: { result: 'passed', findings: '0' } });
  expect(Object.keys(ordinaryMigrations)).toHaveLength(20);
});
