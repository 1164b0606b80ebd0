import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Db } from 'mongodb';
import type { Connection } from '../mongo/connect.ts';
import { connectShared, dropDatabases, startMongod, uniqueDatabase } from '../testing/mongod.ts';
import { temporaryFolder, type TemporaryFolder } from '../testing/temporary-folder.ts';
import { connect } from '../mongo/connect.ts';
import { Secret } from '../redaction/secret.ts';
import { createPoint, latestPoint, rollbackPoint, takeCensusFor, type PointOptions } from './point.ts';

const database = uniqueDatabase('point');
let connection: Connection;
let db: Db;
let folder: TemporaryFolder;

function options(more: Partial<PointOptions> = {}): PointOptions {
  const { client } = connection;
  return { client, database, history: [], planned: ['1.js'], now: () => new Date(), runFolder: folder.path, ...more };
}

beforeAll(async () => {
  connection = await connectShared();
  folder = await temporaryFolder();
  db = connection.client.db(database);
  await db.collection('orders').insertMany([{ total: 1 }, { total: 2 }]);
  await db.collection('changelog_lock').insertOne({ createdAt: new Date() });
});

afterAll(async () => {
  await dropDatabases(connection.client, [database]);
  await connection.client.close();
  await folder[Symbol.asyncDispose]();
});

describe('a rollback point', () => {
  test('is kept in the run folder and in the database, the newest being the latest', async () => {
    await expect(latestPoint(connection.client, uniqueDatabase('empty'))).rejects.toMatchObject({ code: 'document/not-found' });
    const first = await createPoint(options({ now: () => new Date('2026-01-01T00:00:00Z') }));
    const second = await createPoint(options({ now: () => new Date('2026-01-02T00:00:00Z'), backup: { store: '/b', id: 'x' } }));
    expect(second.file).toBe(`${folder.path}/rollback-point.json`);
    expect(await rollbackPoint.read(second.file)).toEqual(second.point);
    expect(await latestPoint(connection.client, database)).toEqual(second.point);
    expect(second.point.id).toMatch(/^20260102T000000Z-[0-9a-f]{8}$/);
    expect(first.point.id).not.toBe(second.point.id);
  });

  test('holds exact counts and digests, its cluster time, and neither our collections nor ignored ones', async () => {
    const { point } = await createPoint(options({ ignore: ['changelog_lock'] }));
    expect(point.clusterTime).toMatch(/^\d+\.\d+$/);
    expect(point.census.collections).toMatchObject([{ name: 'orders', documents: 2, digest: { documents: 2 } }]);
    const now = await takeCensusFor(point, { client: connection.client });
    expect(now.collections).toEqual(point.census.collections);
  });

  test('of a standalone server has no cluster time', async () => {
    await using server = await startMongod({ kind: 'standalone' });
    await using other = await connect(new Secret(server.uri));
    const { point } = await createPoint(options({ client: other.client }));
    expect(point.clusterTime).toBeUndefined();
    expect(await latestPoint(other.client, database)).toEqual(point);
  });
});
