import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
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

/**
 * A replica set of three for tests that hold a member back: a slow machine makes it elect no other primary, and secondaries read from
 * the primary only. The status of members, which a primary has from their heartbeats, is 100 ms old at most.
 */
export async function startSteadyReplicaSet(options: Parameters<typeof startMongod>[1] = {}): Promise<EmbeddedServer> {
  const server = await startMongod({ kind: 'replica-set', members: 3 }, options);
  await using connection = await connect(new Secret(server.uri));
  const admin = connection.client.db('admin');
  const { config } = await admin.command({ replSetGetConfig: 1 });
  const settings = { ...config.settings, chainingAllowed: false, electionTimeoutMillis: 60_000, heartbeatIntervalMillis: 100 };
  await admin.command({ replSetReconfig: { ...config, version: config.version + 1, settings } });
  for (;;) {
    const members = (await admin.command({ replSetGetStatus: 1 }))['members'] as readonly Member[];
    const primary = members.find(({ stateStr }) => stateStr === 'PRIMARY');
    const secondaries = members.filter(({ stateStr }) => stateStr === 'SECONDARY');
    if (secondaries.filter(({ syncSourceHost }) => syncSourceHost === primary?.name).length === 2) return server;
    await sleep(50);
  }
}

interface Member {
  readonly name: string;
  readonly stateStr: string;
  readonly syncSourceHost: string;
}

export interface HeldMember extends AsyncDisposable {
  /** Lets it catch up. Safe to call twice. */
  release(): Promise<void>;
}

/**
 * Holds a secondary back: from now on it applies nothing that others write. Its writes are locked as for a copy of its files; the fail
 * points that stop replication let one more batch through.
 */
export async function holdBack(host: string): Promise<HeldMember> {
  const { client } = await connect(new Secret(`mongodb://${host}/?directConnection=true`));
  const admin = client.db('admin');
  await admin.command({ fsync: 1, lock: true });
  let released: Promise<void> | undefined;
  const release = (): Promise<void> => (released ??= admin.command({ fsyncUnlock: 1 }).then(() => client.close()));
  return { release, [Symbol.asyncDispose]: release };
}

/** Drops the named databases, for `afterAll`. */
export async function dropDatabases(client: MongoClient, names: readonly string[]): Promise<void> {
  for (const name of names) await client.db(name).dropDatabase();
}
