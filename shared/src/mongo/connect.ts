import type { MongoClient, MongoClientOptions } from 'mongodb';
import { GuardError } from '../errors/guard-error.ts';
import { fromMongoError } from '../errors/mongo-errors.ts';
import type { Secret } from '../redaction/secret.ts';

export interface Connection extends AsyncDisposable {
  readonly client: MongoClient;
  readonly topology: 'standalone' | 'replica-set' | 'sharded';
  /** For example `6.0.5`. */
  readonly serverVersion: string;
  /** The database named in the connection string, if one is named. */
  readonly defaultDatabase: string | undefined;
}

/** Options of a connection string that need native add-ons, which an action bundle cannot carry. */
const unsupportedOptions: readonly { readonly pattern: RegExp; readonly what: string }[] = [
  { pattern: /[?&]authMechanism=GSSAPI/i, what: 'Kerberos (authMechanism=GSSAPI)' },
  { pattern: /[?&]compressors=[^&]*snappy/i, what: 'snappy compression (compressors=snappy)' },
];

/**
 * Connects and asks the server what it is. The one place where clients are made. Throws `target/invalid-uri`, `target/unreachable`,
 * `target/authentication-failed`, `target/unsupported`. Waits at most 15 s for a server unless the connection string says otherwise.
 */
export async function connect(uri: Secret, options: MongoClientOptions = {}): Promise<Connection> {
  const text = uri.reveal().trim();
  const unsupported = unsupportedOptions.find(({ pattern }) => pattern.test(text));
  if (unsupported !== undefined)
    throw new GuardError('target/invalid-uri', `The connection string asks for ${unsupported.what}, which is not supported.`);
  if (!/^mongodb(\+srv)?:\/\//.test(text))
    throw new GuardError('target/invalid-uri', 'The input uri does not start with mongodb:// or mongodb+srv://.');
  const [{ MongoClient: Client }, { LeanConnection }] = await Promise.all([import('mongodb'), import('./lean-connection.ts')]);
  const patience = /[?&]serverSelectionTimeoutMS=/i.test(text) ? {} : { serverSelectionTimeoutMS: 15_000 };
  let client: MongoClient;
  try {
    const lean: object = { connectionType: LeanConnection };
    client = new Client(text, { appName: 'migration-guard', ...patience, ...lean, ...options });
  } catch (error) {
    // The driver's message can quote parts of the URI.
    throw new GuardError('target/invalid-uri', 'The connection string cannot be read.', { cause: error });
  }
  try {
    await client.connect();
    return { client, ...(await describe(client)), defaultDatabase: namedDatabase(uri), [Symbol.asyncDispose]: () => client.close() };
  } catch (error) {
    await client.close().catch(() => undefined);
    throw fromMongoError(error, 'Connecting to the target');
  }
}

async function describe(client: MongoClient): Promise<Pick<Connection, 'topology' | 'serverVersion'>> {
  const admin = client.db('admin');
  const hello = await admin.command({ hello: 1 });
  const { version } = await admin.command({ buildInfo: 1 });
  const topology = hello['msg'] === 'isdbgrid' ? 'sharded' : hello['setName'] === undefined ? 'standalone' : 'replica-set';
  return { topology, serverVersion: String(version) };
}

/** The database that a connection string names, if it names one. */
export function namedDatabase(uri: Secret): string | undefined {
  const name = /^mongodb(?:\+srv)?:\/\/[^/?]+\/([^?]+)/.exec(uri.reveal().trim())?.[1];
  return name === undefined ? undefined : decodeURIComponent(name);
}

/** The database that is meant: the input wins over the connection string. Throws `target/no-database`. */
export function databaseName(input: string | undefined, connection: Pick<Connection, 'defaultDatabase'>): string {
  const name = input ?? connection.defaultDatabase;
  if (name === undefined) throw new GuardError('target/no-database', 'No database is named.');
  return name;
}
