import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Db } from 'mongodb';
import { silentLog } from '../log/log.ts';
import type { Connection } from '../mongo/connect.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import { acquireLock, lockCollection, readLock, releaseToken } from './lock.ts';
import { acquireStockLock } from './stock-lock.ts';

describe('the lock', () => {
  let connection: Connection;
  const names: string[] = [];

  beforeAll(async () => {
    connection = await connectShared();
  });

  afterAll(async () => {
    await dropDatabases(connection.client, names);
    await connection.client.close();
  });

  function database(): Db {
    const name = uniqueDatabase('lock');
    names.push(name);
    return connection.client.db(name);
  }

  const options = (db: Db, owner = 'https://github.com/o/r/actions/runs/1') => ({ db, owner, purpose: 'apply', log: silentLog });
  /** As if the lease had run out: what happens after a kill, without the wait. */
  const expire = (db: Db) => db.collection(lockCollection).updateOne({}, { $set: { expiresAt: new Date(0) } });

  test('is had by one of ten that ask at once, and free again after its release', async () => {
    const db = database();
    const attempts = await Promise.allSettled(Array.from({ length: 10 }, (_, index) => acquireLock(options(db, `run ${index}`))));
    const got = attempts.filter((attempt) => attempt.status === 'fulfilled');
    expect(got).toHaveLength(1);
    expect(attempts.filter((attempt) => attempt.status === 'rejected').map(({ reason }) => reason.code)).toEqual(
      Array(9).fill('lock/held'),
    );
    await got[0]?.value.release();
    await using next = await acquireLock(options(db));
    expect(next.fence).toBe(2);
  });

  test('says who holds it and until when', async () => {
    const db = database();
    await using lock = await acquireLock(options(db, 'https://github.com/o/r/actions/runs/7'));
    expect(await readLock(db)).toMatchObject({ owner: 'https://github.com/o/r/actions/runs/7', fence: lock.fence });
    await expect(acquireLock(options(db))).rejects.toMatchObject({
      code: 'lock/held',
      message: expect.stringMatching(/actions\/runs\/7 \(apply\) until \d{4}-/),
    });
  });

  test('is waited for', async () => {
    const db = database();
    const first = await acquireLock(options(db));
    const second = acquireLock({ ...options(db), waitMilliseconds: 30_000 });
    await first.release();
    await using lock = await second;
    expect(lock.fence).toBe(2);
  });

  test('is extended while it is held', async () => {
    const db = database();
    await using lock = await acquireLock({ ...options(db), leaseMilliseconds: 900 });
    const firstExpiry = (await readLock(db))?.expiresAt ?? new Date(NaN);
    let expiry = firstExpiry;
    while (expiry <= firstExpiry) expiry = (await readLock(db))?.expiresAt ?? new Date(0);
    expect(lock.lost.aborted).toBe(false);
  });

  test('can be taken over once it has expired, and the former holder may not write any more', async () => {
    const db = database();
    const stale = await acquireLock({ ...options(db), leaseMilliseconds: 60 });
    await expire(db);
    await using fresh = await acquireLock(options(db));
    expect(fresh.fence).toBe(2);
    await expect(stale.confirm()).rejects.toMatchObject({ code: 'lock/lost' });
    expect(stale.lost.aborted).toBe(true);
    await stale.release();
    await expect(fresh.confirm()).resolves.toBeUndefined();
  });

  test('can be released by its token, once, and only while it is the same', async () => {
    const db = database();
    const lock = await acquireLock(options(db));
    expect(await releaseToken(db, { ...lock.token, fence: 99 })).toBe(false);
    expect(await releaseToken(db, lock.token)).toBe(true);
    expect(await releaseToken(db, lock.token)).toBe(false);
    expect(await readLock(db)).toBeUndefined();
  });

  test('is kept with a reason after its holder has ended, for the next rollback only', async () => {
    const db = database();
    const failed = await acquireLock(options(db));
    await failed.keep('the rollback failed half-way.');
    await failed.release();
    await expect(acquireLock({ ...options(db), waitMilliseconds: 60_000 })).rejects.toMatchObject({
      code: 'lock/held',
      message: expect.stringContaining('https://github.com/o/r/actions/runs/1: the rollback failed half-way.'),
      remedy: expect.stringContaining('action-rollback'),
    });
    const next = await acquireLock({ ...options(db), takeKept: true });
    expect(next.fence).toBe(failed.fence + 1);
    await expect(failed.confirm()).rejects.toMatchObject({ code: 'lock/lost' });
    expect(await readLock(db)).not.toHaveProperty('reason');
    await expect(acquireLock({ ...options(db), takeKept: true })).rejects.toMatchObject({ code: 'lock/held' });
    await next.release();
    expect(await readLock(db)).toBeUndefined();
  });

  test("keeps out of migrate-mongo's lock and keeps migrate-mongo out", async () => {
    const db = database();
    const stock = { db, collection: 'changelog_lock', ttl: 60 };
    const ours = await acquireStockLock(stock);
    await expect(acquireStockLock(stock)).rejects.toMatchObject({ code: 'lock/held' });
    expect(await db.collection('changelog_lock').countDocuments()).toBe(1);
    await ours.release();
    await db.collection('changelog_lock').insertOne({ createdAt: new Date(Date.now() - 120_000) });
    const afterStale = await acquireStockLock(stock);
    await expect(acquireStockLock({ ...stock, ttl: undefined })).rejects.toMatchObject({ code: 'lock/held' });
    await afterStale.release();
  });
});
