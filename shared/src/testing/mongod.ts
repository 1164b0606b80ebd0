import { randomUUID } from 'node:crypto';
import type { MongoClient } from 'mongodb';
import { startEmbedded, type EmbeddedOptions, type EmbeddedServer, type Topology } from '../embedded/server.ts';
import { connect, type Connection } from '../mongo/connect.ts';
import { Secret } from '../redaction/secret.ts';

/** The URI of the replica set (one member, test commands on) that all test files share. Take databases by `uniqueDatabase`. */
export function sharedUri(): string {
  const uri = process.env['MIGRATION_GUARD_TEST_URI'];
  if (uri === undefined) throw new Error('The shared test server is not running: start tests with npm test.');
  return uri;
}

/** A connection to the shared replica set; close it in `afterAll`. */
export function connectShared(): Promise<Connection> {
  return connect(new Secret(sharedUri()));
}

/** A database name that no other test uses. */
export function uniqueDatabase(purpose: string): string {
  return `${purpose}_${randomUUID().slice(0, 8)}`;
}

/** A server of the test's own, for tests that stop, step down or configure it. */
export function startMongod(
  topology: Topology,
  options: Omit<Partial<EmbeddedOptions>, 'topology' | 'binary'> = {},
): Promise<EmbeddedServer> {
  const binary = process.env['MONGOD_BINARY'];
  if (binary === undefined) throw new Error('MONGOD_BINARY is not set: start tests with npm test.');
  return startEmbedded({ binary, topology, ...options, parameters: { enableTestCommands: 1, ...options.parameters } });
}

/** Drops the named databases, for `afterAll`. */
export async function dropDatabases(client: MongoClient, names: readonly string[]): Promise<void> {
  for (const name of names) await client.db(name).dropDatabase();
}
