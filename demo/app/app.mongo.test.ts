import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Connection } from '@migration-guard/shared/mongo/connect';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '@migration-guard/shared/testing/mongod';
import type { Db } from 'mongodb';
import { loadMarketplace } from '../data/load.ts';
import { writeSettings } from './settings.ts';

const run = promisify(execFile);
const database = uniqueDatabase('marketplace');
let connection: Connection;
let db: Db;
let folder: string;
let service: string;

const control = async (command: string): Promise<string> =>
  (await run(process.execPath, [path.join(import.meta.dirname, 'control.ts'), command, folder])).stdout.trim();

async function call(
  method: string,
  target: string,
  { token = '', body }: { token?: string; body?: unknown } = {},
): Promise<[number, Answer]> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(service + target, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return [response.status, (await response.json()) as Answer];
}

interface Answer {
  readonly user?: { readonly id: string };
  readonly token?: string;
  readonly order?: { readonly id: string; readonly status: string; readonly total: string };
  readonly orders?: readonly unknown[];
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

beforeAll(async () => {
  connection = await connectShared();
  db = connection.client.db(database);
  await loadMarketplace(db);
  folder = await mkdtemp(path.join(tmpdir(), 'marketplace-'));
  const port = await freePort();
  service = `http://127.0.0.1:${port}`;
  await writeSettings(folder, { uri: sharedUri(), database, port, owner: process.pid });
  await control('start');
});

afterAll(async () => {
  await control('stop');
  await dropDatabases(connection.client, [database]);
  await connection[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

describe('the marketplace', () => {
  test('has 200,000 documents and every kind of index', async () => {
    const names = ['users', 'drivers', 'products', 'wallets', 'deliveryorders', 'sessions', 'events'];
    const counts = await Promise.all(names.map((name) => db.collection(name).countDocuments()));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(200_000);
    const indexes = (await Promise.all(names.map((name) => db.collection(name).indexes()))).flat();
    for (const option of ['unique', 'sparse', 'partialFilterExpression', 'expireAfterSeconds', 'collation', 'weights']) {
      expect(indexes.filter((index) => option in index)).not.toHaveLength(0);
    }
    const keys = JSON.stringify(indexes.map(({ key }) => key));
    for (const kind of ['"hashed"', '"2dsphere"', '"text"', '$**']) expect(keys).toContain(kind);
  });

  test('takes an order from registration to the driver', async () => {
    const phone = '+49170000001';
    const [registered] = await call('POST', '/users', { body: { phone, name: 'Test Person' } });
    const [, { token = '' }] = await call('POST', '/tokens', { body: { phone } });
    const [created, { order }] = await call('POST', '/orders', { token, body: { items: [{ sku: 'SKU-000001', quantity: 2 }] } });
    const [assigned, answer] = await call('PATCH', `/orders/${order?.id}/driver`, { token });
    expect([registered, created, assigned]).toEqual([201, 201, 200]);
    expect(order).toMatchObject({ status: 'pending', total: expect.stringMatching(/^\d+\.\d\d$/) });
    expect(answer.order).toMatchObject({ id: order?.id, status: 'assigned' });
    const [listed, { orders }] = await call('GET', '/orders?status=assigned', { token });
    expect([listed, orders?.length]).toEqual([200, 20]);
  });

  test('refuses what it must refuse', async () => {
    expect((await call('GET', '/orders'))[0]).toBe(401);
    expect((await call('POST', '/tokens', { body: { phone: 'nobody' } }))[0]).toBe(401);
    expect((await call('POST', '/users', { body: {} }))[0]).toBe(400);
    expect((await call('GET', '/nothing'))[0]).toBe(404);
  });

  test('fails loudly on an order without a total', async () => {
    const phone = '+49170000002';
    await call('POST', '/users', { body: { phone, name: 'Test Person' } });
    const [, { token = '' }] = await call('POST', '/tokens', { body: { phone } });
    const broken = { number: 0, userId: 1, status: 'odd', items: [], createdAt: new Date(0) };
    const { insertedId } = await db.collection('deliveryorders').insertOne(broken);
    const [status, body] = await call('GET', '/orders?status=odd', { token });
    await db.collection('deliveryorders').deleteOne({ _id: insertedId });
    expect([status, body]).toEqual([500, { error: 'internal error' }]);
  });
});

describe('the control commands', () => {
  test('stop and start the application, and do nothing when there is nothing to do', async () => {
    expect(await control('status')).toMatch(/^running/);
    expect(await control('start')).toMatch(/^already running/);
    expect(await control('stop')).toMatch(/^stopped/);
    await expect(fetch(`${service}/health`)).rejects.toThrow('fetch failed');
    expect(await control('stop')).toBe('not running');
    expect(await control('start')).toMatch(/^started/);
    expect((await call('GET', '/health'))[0]).toBe(200);
  });

  test('refuse an unknown command', async () => {
    await expect(control('restart')).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('usage') });
  });

  test('end it in time although customers keep their connections busy', async () => {
    const left = new AbortController();
    const stay = async (): Promise<void> => {
      while (!left.signal.aborted) await call('GET', '/health').catch(() => sleep(10));
    };
    const customers = Array.from({ length: 8 }, stay);
    try {
      await call('GET', '/health');
      expect(await control('stop')).toMatch(/^stopped/);
    } finally {
      left.abort();
      await Promise.all(customers);
      await control('start');
    }
  });
});
