import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EmbeddedServer } from '../embedded/server.ts';
import { Secret } from '../redaction/secret.ts';
import { sharedUri, startMongod } from '../testing/mongod.ts';
import { connect, databaseName } from './connect.ts';

describe('connect', () => {
  let standalone: EmbeddedServer;

  beforeAll(async () => {
    standalone = await startMongod({ kind: 'standalone' });
  });

  afterAll(() => standalone.stop());

  test('names topology and version of a replica set', async () => {
    await using connection = await connect(new Secret(sharedUri()));
    expect(connection.topology).toBe('replica-set');
    expect(connection.serverVersion).toMatch(/^\d+\.\d+\.\d+/);
  });

  test('names the topology of a standalone server', async () => {
    await using connection = await connect(new Secret(standalone.uri));
    expect(connection.topology).toBe('standalone');
  });

  test.each([
    ['http://user:hunter2@host/', 'target/invalid-uri'],
    ['mongodb://', 'target/invalid-uri'],
    ['mongodb://host/?authMechanism=GSSAPI', 'target/invalid-uri'],
    ['mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=300', 'target/unreachable'],
  ])('refuses %s with %s and without repeating it', async (uri, code) => {
    const attempt = connect(new Secret(uri));
    await expect(attempt).rejects.toMatchObject({ code });
    await expect(attempt).rejects.not.toThrow(/hunter2|127\.0\.0\.1/);
  });

  test('takes the database from the input, then from the connection string', () => {
    expect(databaseName('orders', { defaultDatabase: 'shop' })).toBe('orders');
    expect(databaseName(undefined, { defaultDatabase: 'shop' })).toBe('shop');
    expect(() => databaseName(undefined, { defaultDatabase: undefined })).toThrow('No database is named');
  });
});
