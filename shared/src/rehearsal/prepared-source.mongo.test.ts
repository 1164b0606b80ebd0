import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ObjectId, UUID, type Db } from 'mongodb';
import { createBackup } from '../backup/create.ts';
import { backupSource, type RestoreSource } from '../backup/restore-source.ts';
import { restoreFrom } from '../backup/restore.ts';
import { directoryStore } from '../backup/stores/directory.ts';
import { silentLog } from '../log/log.ts';
import type { Connection } from '../mongo/connect.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import { temporaryFolder, type TemporaryFolder } from '../testing/temporary-folder.ts';
import { prepareSource, type Preparation, type PreparedParts } from './prepared-source.ts';

const database = uniqueDatabase('prepare');
const copies: string[] = [];
const { signal } = new AbortController();
let connection: Connection;
let folder: TemporaryFolder;
let source: RestoreSource;

interface Customer {
  readonly _id: ObjectId;
  readonly email: string;
  readonly region: UUID;
}

interface Order {
  readonly _id: number;
  readonly customer: ObjectId;
  readonly lines: readonly { readonly sku: string }[];
  readonly contact: string;
}

beforeAll(async () => {
  connection = await connectShared();
  folder = await temporaryFolder();
  const db = connection.client.db(database);
  const regions = Array.from({ length: 40 }, (_, n) => ({ _id: new UUID(), title: `Region ${n}` }));
  const customers = Array.from({ length: 500 }, (_, n) => ({
    _id: new ObjectId(),
    email: `person${n}@shop.test`,
    region: regions[n % regions.length]?._id,
  }));
  const products = Array.from({ length: 300 }, (_, n) => ({ _id: `sku-${n}`, price: n }));
  const orders = Array.from({ length: 2_000 }, (_, n) => ({
    _id: n,
    customer: customers[n % customers.length]?._id,
    lines: [{ sku: `sku-${(n * 7) % products.length}` }, { sku: `sku-${(n * 11) % products.length}` }],
    contact: `person${n % customers.length}@shop.test`,
  }));
  await db.collection<{ _id: UUID }>('regions').insertMany(regions);
  await db.collection('customers').insertMany(customers);
  await db.collection<{ _id: string }>('products').insertMany(products);
  await db.collection<{ _id: number }>('orders').insertMany(orders);
  await db.collection('changelog').insertMany(Array.from({ length: 90 }, (_, n) => ({ fileName: `${n}.js`, by: 'mira@shop.test' })));
  await db.collection('customers').createIndex({ email: 1 }, { unique: true });
  await db.createCollection('weather', { timeseries: { timeField: 'at' } });
  await db.collection('weather').insertOne({ at: new Date(), degrees: 20 });
  await db.createCollection('big_orders', { viewOn: 'orders', pipeline: [] });
  const store = directoryStore(folder.path);
  const selection = { databases: [database] };
  source = backupSource(store, await createBackup({ connection, store, selection, consistency: 'snapshot', log: silentLog }));
});

afterAll(async () => {
  await dropDatabases(connection.client, [database, ...copies]);
  await connection.client.close();
  await folder[Symbol.asyncDispose]();
});

const noReplay = (): never => {
  throw new Error('A snapshot needs no replay.');
};

async function copyOf(preparation: Preparation): Promise<{ readonly db: Db; readonly prepared: PreparedParts }> {
  const prepared = await prepareSource({ from: source, database, preparation, settle: noReplay, signal });
  const name = uniqueDatabase('prepared');
  copies.push(name);
  const { client } = connection;
  const mapNamespace = ({ collection }: { readonly collection: string }) => ({ database: name, collection });
  await restoreFrom(prepared.source, { client, mapNamespace, drop: false, log: silentLog });
  return { db: client.db(name), prepared: prepared.tell() };
}

const sample = { documents: 20, collections: { regions: 0 }, references: { 'orders.lines.sku': 'products' } } as const;

describe('a sample', () => {
  test('holds so many documents, and all that they refer to, over several steps', async () => {
    const { db, prepared } = await copyOf({ sample });
    const orders = await db.collection<Order>('orders').find().toArray();
    expect(orders).toHaveLength(20);
    const customers = await db.collection<Customer>('customers').find().toArray();
    const customerIds = new Set(customers.map(({ _id }) => _id.toHexString()));
    expect(customers.length).toBeGreaterThan(20);
    expect(customers.length).toBeLessThanOrEqual(40);
    for (const { customer } of orders) expect(customerIds).toContain(customer.toHexString());
    const products = new Set((await db.collection<{ _id: string }>('products').find().toArray()).map(({ _id }) => _id));
    for (const { lines } of orders) for (const { sku } of lines) expect(products).toContain(sku);
    const regions = new Set((await db.collection<{ _id: UUID }>('regions').find().toArray()).map(({ _id }) => _id.toHexString()));
    for (const { region } of customers) expect(regions).toContain(region.toHexString());
    expect(prepared.sampled).toMatchObject({ of: 2_931, complete: true });
  });

  test('is the same each time for the same backup', async () => {
    const ids = async (): Promise<unknown[]> => (await copyOf({ sample })).db.collection('orders').distinct('_id');
    expect(await ids()).toEqual(await ids());
  });

  test('takes collections whole when asked to, or when they are small', async () => {
    const { db } = await copyOf({ sample: { documents: 300, collections: { orders: 'all' }, references: {} } });
    expect(await db.collection('orders').countDocuments()).toBe(2_000);
    expect(await db.collection('products').countDocuments()).toBe(300);
    expect(await db.collection('customers').countDocuments()).toBe(500);
  });
});

test('what must stay as it is is neither sampled nor masked', async () => {
  const mask = { detect: true, rules: [{ pattern: '**', method: 'fake' }] } as const;
  const { db } = await copyOf({ sample, mask, untouched: ['changelog'] });
  const [applied, original] = [db, connection.client.db(database)].map((one) =>
    one.collection('changelog').find().sort({ _id: 1 }).toArray(),
  );
  expect(await applied).toEqual(await original);
  expect(await db.collection('orders').countDocuments()).toBe(20);
});

describe('a masked copy', () => {
  test('shows no address of anybody; unique indexes and joins hold', async () => {
    const { db, prepared } = await copyOf({ mask: { detect: true, rules: [{ pattern: 'orders.contact', method: 'fake' }] } });
    const customers = await db.collection<Customer>('customers').find().toArray();
    const orders = await db.collection<Order>('orders').find().toArray();
    expect(JSON.stringify([customers, orders])).not.toContain('shop.test');
    expect(await db.collection('customers').indexExists('email_1')).toBe(true);
    const emailOf = new Map(customers.map(({ _id, email }) => [_id.toHexString(), email]));
    expect(new Set(emailOf.values()).size).toBe(500);
    for (const { customer, contact } of orders) expect(contact).toBe(emailOf.get(customer.toHexString()));
    expect(prepared.masked).toEqual([
      { collection: 'changelog', path: 'by', method: 'fake', values: 90 },
      { collection: 'customers', path: 'email', method: 'fake', values: 500 },
      { collection: 'orders', path: 'contact', method: 'fake', values: 2_000 },
    ]);
  });

  test('has its time series empty, because their buckets cannot be masked', async () => {
    const { db, prepared } = await copyOf({ mask: { detect: true, rules: [] } });
    expect(await db.collection('weather').countDocuments()).toBe(0);
    expect(prepared.emptied).toEqual(['weather']);
  });
});
