import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ObjectId, type Db } from 'mongodb';
import { settings } from '../config/verify.ts';
import { takeCensus } from '../mongo/census.ts';
import type { Connection } from '../mongo/connect.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import type { CheckResult, CheckTarget } from './check.ts';
import { evaluate, runConfiguredChecks } from './evaluate.ts';

const name = uniqueDatabase('checks');
const driver = new ObjectId();
let connection: Connection;
let db: Db;

async function check(section: unknown): Promise<readonly CheckResult[]> {
  const target: CheckTarget = { db, census: await takeCensus(connection.client, name, { digests: false }) };
  return runConfiguredChecks(settings.parse(section), target);
}

async function only(section: unknown): Promise<CheckResult> {
  const results = await check(section);
  expect(results).toHaveLength(1);
  return results[0] as CheckResult;
}

beforeAll(async () => {
  connection = await connectShared();
  db = connection.client.db(name);
  await db.collection('drivers').insertOne({ _id: driver });
  await db.collection('orders').insertMany([
    { number: 1, driver, total: 5.5, at: new Date('2026-01-01'), items: [{ sku: 'a' }, { sku: 'b' }] },
    { number: 2, driver: new ObjectId(), total: 'free', at: new Date('2026-02-01'), items: [{ sku: 'a' }] },
    { number: 2, driver: null, at: new Date('2026-03-01'), items: [] },
  ]);
  await db.collection('products').insertOne({ sku: 'a' });
});

afterAll(async () => {
  await dropDatabases(connection.client, [name]);
  await connection.client.close();
});

describe('checks of the configuration against a database', () => {
  test.each([
    [{ field: 'number' }, 'in every document'],
    [{ field: 'driver' }, '1 documents without'],
    [{ field: 'total', type: 'double' }, '2 documents without'],
    [{ field: 'total', type: ['double', 'string'] }, '1 documents without'],
    [{ field: 'at', type: 'date' }, 'in every document'],
    [{ field: 'driver', type: ['objectId', 'null'] }, 'in every document'],
  ])('required field %j: %s', async (wanted, found) => {
    const result = await only({ 'required-fields': [{ collection: 'orders', ...wanted }] });
    expect(result).toMatchObject({ rule: 'verify/required-field', found, status: found === 'in every document' ? 'passed' : 'failed' });
  });

  test.each([
    [{ filter: { number: 2 }, exactly: 2 }, '2', 'passed'],
    [{ filter: { at: { $gte: { $date: '2026-02-01T00:00:00Z' } } }, 'at-most': 1 }, '2', 'failed'],
    [{ filter: { driver: { $oid: driver.toHexString() } }, 'at-least': 1 }, '1', 'passed'],
    [{ filter: {}, 'at-least': 4 }, '3', 'failed'],
  ])('query %j finds %s: %s', async (query, found, status) => {
    expect(await only({ queries: [{ name: 'a query', collection: 'orders', ...query }] })).toMatchObject({ found, status });
  });

  test.each([
    [{ field: 'driver', to: 'drivers' }, '1 values without a document in drivers'],
    [{ field: 'items.sku', to: 'products', 'to-field': 'sku' }, '1 values without a document in products'],
    [{ field: 'nothing', to: 'drivers' }, 'every value'],
  ])('reference %j: %s', async (reference, found) => {
    expect(await only({ references: [{ collection: 'orders', ...reference }] })).toMatchObject({ found });
  });

  test('values that must be unique', async () => {
    expect(await only({ unique: [{ collection: 'orders', fields: ['number'] }] })).toMatchObject({ found: '1 values more than once' });
    expect(await only({ unique: [{ collection: 'orders', fields: ['number', 'at'] }] })).toMatchObject({ found: 'all different' });
  });

  test('a collection that is not there fails every kind instead of having nothing wrong', async () => {
    const results = await check({
      indexes: [{ collection: 'gone', name: 'x' }],
      'required-fields': [{ collection: 'gone', field: 'x' }],
      queries: [{ name: 'none', collection: 'gone', exactly: 0 }],
      references: [
        { collection: 'gone', field: 'x', to: 'orders' },
        { collection: 'orders', field: 'driver', to: 'gone' },
      ],
      unique: [{ collection: 'gone', fields: ['x'] }],
    });
    expect(results.map(({ found, status }) => `${status}: ${found}`)).toEqual(
      Array.from({ length: 6 }, () => 'failed: there is no collection gone'),
    );
  });

  test('violations are counted up to a limit', async () => {
    await db.collection('many').insertMany(Array.from({ length: 1_200 }, () => ({})));
    expect(await only({ 'required-fields': [{ collection: 'many', field: 'x' }] })).toMatchObject({
      found: '1000 or more documents without',
    });
  });

  test('end with the signal', async () => {
    const target: CheckTarget = { db, census: await takeCensus(connection.client, name, { digests: false }), signal: AbortSignal.abort() };
    const section = settings.parse({ unique: [{ collection: 'orders', fields: ['x'] }] });
    await expect(runConfiguredChecks(section, target)).rejects.toThrow('aborted');
  });

  test('a wrong query is an error with its place, without the text of the server that could quote it', async () => {
    const wrong = { queries: [{ name: 'wrong', collection: 'orders', filter: { total: { $wrong: 'hunter2' } }, exactly: 0 }] };
    await expect(check(wrong)).rejects.toMatchObject({ code: 'server/failed', message: expect.not.stringContaining('hunter2') });
  });
});

describe('evaluating results', () => {
  const passed: CheckResult = { rule: 'verify/x', subject: 'orders', expected: 'a', found: 'a', status: 'passed' };

  test('goes on when all passed', () => {
    expect(evaluate([passed, { ...passed, status: 'warned' }])).toMatchObject({
      passed: 2,
      failed: 0,
      decision: 'continue',
      severity: 'none',
    });
  });

  test('any failure is severe and named', () => {
    const failed = { ...passed, found: 'b', status: 'failed' as const };
    expect(evaluate([passed, failed, failed])).toMatchObject({
      failed: 2,
      decision: 'rollback',
      severity: 'high',
      reason: 'failed_check: verify/x orders: expected a, found b (and 1 more)',
    });
  });

  test('what a failure means leads the reason', () => {
    const signals = { 'count-loss': { value: 33, what: 'orders lost 33 %' } };
    const found = evaluate([{ ...passed, status: 'failed', signals }]);
    expect(found).toMatchObject({ severity: 'critical', matches: [{ rule: 'data_loss' }, { rule: 'failed_check' }] });
  });
});
