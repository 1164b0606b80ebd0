import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { EmbeddedServer } from '../embedded/server.ts';
import { Secret } from '../redaction/secret.ts';
import { startMongod } from '../testing/mongod.ts';
import { connect } from './connect.ts';
import { requirePrivileges } from './privileges.ts';

let server: EmbeddedServer;

/** The connection string of another user; all have the password `p`. */
const uriOf = (user: string): Secret => {
  const url = new URL(server.uri);
  url.username = user;
  url.password = 'p';
  url.searchParams.set('authSource', 'admin');
  return new Secret(url.href);
};

beforeAll(async () => {
  server = await startMongod({ kind: 'standalone' }, { rootPassword: 'p' });
  await using root = await connect(uriOf('root'));
  await root.client.db('admin').command({ createUser: 'reader', pwd: 'p', roles: [{ role: 'read', db: 'shop' }] });
  await root.client.db('admin').command({ createUser: 'everywhere', pwd: 'p', roles: ['readAnyDatabase'] });
});

afterAll(() => server.stop());

async function requireAs(user: string, databases: readonly string[], actions: readonly string[]): Promise<void> {
  await using connection = await connect(uriOf(user));
  await requirePrivileges(connection.client, databases, actions);
}

test('what the roles of the user allow is allowed', async () => {
  await requireAs('reader', ['shop'], ['find', 'listCollections', 'listIndexes']);
  await requireAs('everywhere', ['shop', 'other'], ['find']);
  await requireAs('root', ['shop'], ['find', 'insert', 'dropCollection']);
});

test.each([
  ['reader', ['shop', 'other'], ['find'], 'The user may not do find in the database other.'],
  ['reader', ['shop'], ['find', 'insert', 'createIndex'], 'The user may not do insert, createIndex in the database shop.'],
])('the user %s in %j doing %j: %s', async (user, databases, actions, message) => {
  await expect(requireAs(user, databases, actions)).rejects.toMatchObject({ code: 'target/privilege-missing', message });
});

test('a server without access control allows everything', async () => {
  await using plain = await startMongod({ kind: 'standalone' });
  await using connection = await connect(new Secret(plain.uri));
  await requirePrivileges(connection.client, ['shop'], ['insert']);
});
