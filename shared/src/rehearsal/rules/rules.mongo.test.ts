import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Db } from 'mongodb';
import type { Connection } from '../../mongo/connect.ts';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '../../testing/mongod.ts';
import { rehearseOn } from '../../testing/rehearsal-run.ts';
import { recordedRules } from './all.ts';
import { checkObserved } from './check.ts';
import type { WatchedQuery } from '../query-plans.ts';
import type { Limits } from './rule.ts';

/** A tenth of the usual ones and less, so that the shop may be small. */
const limits: Limits = {
  statementDocuments: 1_000,
  scannedDocuments: 100_000,
  roundTrips: 200,
  indexedDocuments: 3_000,
  unlimitedMilliseconds: 60_000,
  transactionDocuments: 300,
  transactionMilliseconds: 30_000,
  transactionBytes: 16 * 2 ** 20,
  documentBytes: 8 * 2 ** 20,
  changedPercent: 100,
};

let connection: Connection;
const names: string[] = [];

beforeAll(async () => {
  connection = await connectShared();
});

afterAll(async () => {
  await dropDatabases(connection.client, names);
  await connection.client.close();
});

async function shop(): Promise<Db> {
  const name = uniqueDatabase('rule');
  names.push(name);
  const db = connection.client.db(name);
  const orders = Array.from({ length: 3_000 }, (_, _id) => ({ _id, total: _id + 0.5, shop: _id % 7, email: `user${_id}` }));
  await db.collection<{ _id: number }>('orders').insertMany(orders);
  await db.collection('orders').createIndex({ shop: 1 });
  await db.createCollection('names', { collation: { locale: 'fr' } });
  return db;
}

/** Rules that look at nothing unless the configuration says so. */
const configured: Readonly<Record<string, { readonly limits?: Partial<Limits>; readonly watchedQueries?: readonly WatchedQuery[] }>> = {
  MD107: { limits: { changedPercent: 20 } },
  MC205: { watchedQueries: [{ collection: 'orders', filter: { shop: 3 } }] },
};

/** Codes and severities of what is found, with the limits of the tests. */
async function findings(up: string, code: string): Promise<readonly string[]> {
  const { files, findings: proven } = await rehearseOn(await shop(), {
    uri: sharedUri(),
    files: { '1.mjs': up },
    watchedQueries: configured[code]?.watchedQueries ?? [],
    ruleLimits: { ...limits, ...configured[code]?.limits },
  });
  expect(proven.filter(({ rule }) => rule === 'rehearsal/up-failed')).toEqual([]);
  const [file] = files;
  if (file?.observed === undefined) throw new Error('up did not run');
  return checkObserved(file.observed, '/').map(({ code, severity }) => `${code} ${severity}`);
}

/** Some commands may not be sent to a collection with so many orders without a finding of another rule. */
const also: Readonly<Record<string, readonly string[]>> = {
  MD104: ['MP401 warning'],
  MD103: ['MP401 warning'],
  MF304: ['MP405 warning'],
};
const alsoGood: Readonly<Record<string, readonly string[]>> = {
  MD104: ['MP401 warning'],
  MP402: ['MP405 warning'],
  MC205: ['MP405 warning'],
};

describe('every recorded rule', () => {
  test.each(recordedRules.map((rule) => [rule.code, rule] as const))('%s finds its bad example', async (code, { bad, severity }) => {
    expect([...(await findings(bad, code))].sort()).toEqual([`${code} ${severity}`, ...(also[code] ?? [])].sort());
  });

  test.each(recordedRules.map((rule) => [rule.code, rule] as const))(
    '%s and all others are content with its good example',
    async (code, { good }) => {
      expect(await findings(good, code)).toEqual(alsoGood[code] ?? []);
    },
  );

  test('of a sample is held against what the whole collection has', async () => {
    const up = `export const up = (db) => db.collection('orders').updateMany({ _id: { $lt: 100 } }, { $set: { seen: true } });`;
    const db = await shop();
    const options = { uri: sharedUri(), files: { '1.mjs': up }, ruleLimits: limits };
    const { files } = await rehearseOn(db, { ...options, documentsOfSource: new Map([['orders', 300_000]]) });
    const [observed] = files.flatMap((file) => file.observed ?? []);
    expect(observed === undefined ? [] : checkObserved(observed, '/').map(({ code, message }) => `${code} ${message}`)).toEqual([
      expect.stringMatching(/^MP401 One update changes about 10000 documents of orders\./),
    ]);
  });

  test('tells a long command that nothing ends, and not one with a limit of its own', async () => {
    const group = (options: string): string =>
      `await db.collection('orders').aggregate([{ $group: { _id: '$total' } }], ${options}).toArray();`;
    const up = `export const up = async (db) => {\n  ${group('{}')}\n  ${group('{ maxTimeMS: 90_000 }')}\n};`;
    const options = { uri: sharedUri(), files: { '1.mjs': up }, ruleLimits: { ...limits, scannedDocuments: Infinity } };
    const { files } = await rehearseOn(await shop(), { ...options, documentsOfSource: new Map([['orders', 3_000 * 1e6]]) });
    const [observed] = files.flatMap((file) => file.observed ?? []);
    expect(observed === undefined ? [] : checkObserved(observed, '/')).toMatchObject([
      { code: 'MP409', line: 2, message: expect.stringMatching(/^One aggregate of orders takes about \d+ s, and no maxTimeMS ends it\. /) },
    ]);
  });

  test('tells an update that matches nothing beside others that do', async () => {
    const up = `export const up = async (db) => {
  await db.collection('orders').updateMany({ state: 'open' }, { $set: { a: 1 } });
  await db.collection('orders').updateOne({ _id: 1 }, { $set: { a: 1 } });
};`;
    expect(await findings(up, 'MF307')).toEqual(['MF307 note']);
  });

  test('has a code of its own', () => {
    expect(new Set(recordedRules.map(({ code }) => code)).size).toBe(recordedRules.length);
  });
});
