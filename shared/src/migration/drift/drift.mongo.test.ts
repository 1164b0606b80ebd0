import { createRequire } from 'node:module';
import { compileFunction } from 'node:vm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Db } from 'mongodb';
import type { Connection } from '../../mongo/connect.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../../testing/mongod.ts';
import { describeDrift, driftOf, type Drift } from './drift.ts';
import { resolutionsOf, type Resolution } from './resolution.ts';
import { keepStructure, leftStructure, readStructure } from './structure.ts';

const now = new Date('2026-05-01T12:00:00Z');
const databases: string[] = [];
let connection: Connection;
let drifted: Db;
let other: Db;

beforeAll(async () => {
  connection = await connectShared();
});

afterAll(async () => {
  await dropDatabases(connection.client, databases);
  await connection.client.close();
});

async function makeDatabase(): Promise<Db> {
  const name = uniqueDatabase('drift');
  databases.push(name);
  const db = connection.client.db(name);
  await db.createCollection('orders', { validator: { total: { $gte: 0 } } });
  await db.collection('orders').createIndexes([
    { key: { status: 1 }, name: 'by_status' },
    { key: { customer: 1, at: -1 }, name: 'by_customer', partialFilterExpression: { total: { $gt: 5 } } },
  ]);
  await db.createCollection('paid', { viewOn: 'orders', pipeline: [{ $match: { status: 'paid' } }] });
  await db.createCollection('log', { capped: true, size: 4_096 });
  return db;
}

beforeEach(async () => {
  drifted = await makeDatabase();
  other = await makeDatabase();
  await keepStructure(drifted, { run: 'https://example.org/runs/1', now });
});

/** What somebody does in a shell at night. */
async function changeByHand(db: Db): Promise<void> {
  await db.collection('orders').dropIndex('by_status');
  await db.collection('orders').createIndex({ status: 1, at: 1 }, { name: 'by_customer_2', unique: true });
  await db.command({ collMod: 'orders', validator: { total: { $gt: 1 } }, validationAction: 'warn' });
  await db.command({ collMod: 'paid', viewOn: 'orders', pipeline: [{ $match: { status: '`${paid}`' } }] });
  await db.createCollection('unpaid', { viewOn: 'orders', pipeline: [{ $match: { status: { $ne: 'paid' } } }] });
}

async function findDrift(db: Db): Promise<readonly Drift[]> {
  return driftOf((await leftStructure(drifted))?.collections ?? [], await readStructure(db));
}

interface Migration {
  up(db: Db): Promise<void>;
  down(db: Db): Promise<void>;
}

function load({ text }: Resolution): Migration {
  const loaded: { exports: unknown } = { exports: undefined };
  compileFunction(text, ['require', 'module'])(createRequire(import.meta.url), loaded);
  return loaded.exports as Migration;
}

describe('drift', () => {
  test('there is none after a run, whatever the documents are', async () => {
    await drifted.collection('orders').insertOne({ total: 1 });
    expect(await findDrift(drifted)).toEqual([]);
    expect(await leftStructure(drifted)).toMatchObject({ run: 'https://example.org/runs/1', takenAt: now });
  });

  test('each change by hand is named', async () => {
    await changeByHand(drifted);
    await drifted.dropCollection('log');
    expect((await findDrift(drifted)).map(describeDrift)).toEqual([
      "The collection log was dropped by nobody's migration since the last run.",
      "An option or the validator of orders was changed by nobody's migration since the last run.",
      "The index by_customer_2 of orders was added by nobody's migration since the last run.",
      "The index by_status of orders was dropped by nobody's migration since the last run.",
      "An option or the validator of paid was changed by nobody's migration since the last run.",
      "The view unpaid was added by nobody's migration since the last run.",
    ]);
  });

  test('a database on which no run kept its structure has none to compare with', async () => {
    expect(await leftStructure(other)).toBeUndefined();
  });
});

describe('resolutions', () => {
  test('revert puts back what the last run left, and its down what was found', async () => {
    await changeByHand(drifted);
    const before = await readStructure(drifted);
    const [, revert] = resolutionsOf(await findDrift(drifted), now);
    await load(revert).up(drifted);
    expect((await findDrift(drifted)).filter(({ what }) => what !== 'options')).toEqual([]);
    expect(await allows(drifted, { total: -1 })).toBe(false);
    await load(revert).down(drifted);
    expect(await readStructure(drifted)).toEqual(before);
  });

  test('adopt makes the same of another database, and changes nothing where it is so already', async () => {
    await changeByHand(drifted);
    const [adopt] = resolutionsOf(await findDrift(drifted), now);
    expect(adopt.name).toBe('20260501120000-adopt-drift.js');
    const found = await readStructure(drifted);
    await load(adopt).up(drifted);
    expect(await readStructure(drifted)).toEqual(found);
    await load(adopt).up(other);
    expect(await readStructure(other)).toEqual(found);
  });

  test('leave what would lose documents to a person, and say so', async () => {
    await drifted.createCollection('mine', {});
    const [, revert] = resolutionsOf(await findDrift(drifted), now);
    expect(revert.text).toContain('// By hand: mine: dropping it would drop its documents.');
    await load(revert).up(drifted);
    expect(await drifted.listCollections({ name: 'mine' }).hasNext()).toBe(true);
  });
});

async function allows(db: Db, document: object): Promise<boolean> {
  return db
    .collection('orders')
    .insertOne({ ...document })
    .then(
      () => true,
      () => false,
    );
}
