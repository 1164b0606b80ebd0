import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Db } from 'mongodb';
import type { Connection } from '../../mongo/connect.ts';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '../../testing/mongod.ts';
import { rehearseOn } from '../../testing/rehearsal-run.ts';
import { recordedRules } from './all.ts';
import { checkObserved } from './check.ts';
import type { Limits } from './rule.ts';

/** A tenth of the usual ones and less, so that the shop may be small. */
const limits: Limits = {
  statementDocuments: 1_000,
  scannedDocuments: 100_000,
  roundTrips: 200,
  indexedDocuments: 3_000,
  transactionDocuments: 300,
  transactionMilliseconds: 30_000,
  documentBytes: 8 * 2 ** 20,
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
  const orders = Array.from({ length: 3_000 }, (_, _id) => ({ _id, total: _id + 0.5, email: `user${_id}` }));
  await db.collection<{ _id: number }>('orders').insertMany(orders);
  return db;
}

/** Codes and lines of what is found, with the limits of the tests. */
async function findings(up: string): Promise<readonly string[]> {
  const { files, findings: proven } = await rehearseOn(await shop(), { uri: sharedUri(), files: { '1.mjs': up } });
  expect(proven.filter(({ rule }) => rule === 'rehearsal/up-failed')).toEqual([]);
  const [file] = files;
  if (file?.observed === undefined) throw new Error('up did not run');
  return checkObserved({ ...file.observed, limits }, '/').map(({ code, severity }) => `${code} ${severity}`);
}

/** Some commands may not be sent to a collection with so many orders without a finding of another rule. */
const also: Readonly<Record<string, readonly string[]>> = {
  MD104: ['MP401 warning'],
  MD103: ['MP401 warning'],
};

describe('every recorded rule', () => {
  test.each(recordedRules.map((rule) => [rule.code, rule] as const))('%s finds its bad example', async (code, { bad, severity }) => {
    expect([...(await findings(bad))].sort()).toEqual([`${code} ${severity}`, ...(also[code] ?? [])].sort());
  });

  test.each(recordedRules.map((rule) => [rule.code, rule] as const))(
    '%s and all others are content with its good example',
    async (code, { good }) => {
      const allowed = code === 'MD104' ? ['MP401 warning'] : code === 'MP402' ? ['MP405 warning'] : [];
      expect(await findings(good)).toEqual(allowed);
    },
  );

  test('has a code of its own', () => {
    expect(new Set(recordedRules.map(({ code }) => code)).size).toBe(recordedRules.length);
  });
});
