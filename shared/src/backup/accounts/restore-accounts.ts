import type { MongoClient } from 'mongodb';
import { GuardError } from '../../errors/guard-error.ts';
import { fromMongoError } from '../../errors/mongo-errors.ts';
import type { Log } from '../../log/log.ts';
import { forEachInArray } from '../../mongo/raw-bson.ts';
import { readRaw, scan } from '../../mongo/raw-read.ts';
import { rawInserter } from '../../mongo/raw-write.ts';
import { idOf, type Accounts, type WantedAccounts } from './accounts.ts';

export interface RestoreAccountsOptions {
  readonly client: MongoClient;
  readonly wanted: WantedAccounts;
  /** Whether users and roles that exist are replaced. Others are never removed. */
  readonly drop: boolean;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
}

export interface RestoredAccounts {
  readonly users: number;
  readonly roles: number;
  /** Names of users and roles that were there already and stayed as they are. */
  readonly kept: readonly string[];
}

const kinds = ['users', 'roles'] as const;
type Kind = (typeof kinds)[number];
/** The names that the role `restore` may write to. Source: mongodb/mongo builtin_roles.cpp. */
const temporary = { users: 'tempusers', roles: 'temproles' } as const;

/**
 * Gives the server users and roles, by the command with which mongorestore does it: what is there and not wanted stays. Throws
 * `restore/digest-mismatch`, `target/privilege-missing`, `server/*`.
 */
export async function restoreAccounts(options: RestoreAccountsOptions): Promise<RestoredAccounts> {
  const { client, wanted, drop, log, signal } = options;
  try {
    for (const kind of kinds) await fillTemporary(options, kind);
    signal?.throwIfAborted();
    await client.db('admin').command({
      _mergeAuthzCollections: 1,
      tempUsersCollection: `admin.${temporary.users}`,
      tempRolesCollection: `admin.${temporary.roles}`,
      db: '',
      drop,
      writeConcern: { w: 'majority' },
    });
    const kept = [...(await proveKind(options, 'users')), ...(await proveKind(options, 'roles'))];
    log.info(`Restored ${wanted.users.size} users and ${wanted.roles.size} roles; ${kept.length} of them were there already and stayed`);
    return { users: wanted.users.size, roles: wanted.roles.size, kept };
  } catch (error) {
    signal?.throwIfAborted();
    throw fromMongoError(error, 'Restoring users and roles');
  } finally {
    for (const name of Object.values(temporary))
      await client
        .db('admin')
        .dropCollection(name)
        .catch(() => log.warning(`Could not drop admin.${name}.`));
  }
}

/**
 * The collection that the server merges. With `drop` it removes what is not in it, so what is there and not wanted goes in too.
 */
async function fillTemporary({ client, wanted, drop, signal }: RestoreAccountsOptions, kind: Kind): Promise<void> {
  const admin = client.db('admin');
  await admin.dropCollection(temporary[kind]);
  await admin.createCollection(temporary[kind]);
  const documents = drop ? new Map([...(await standing(client, kind, signal)), ...wanted[kind]]) : wanted[kind];
  if (documents.size === 0) return;
  const { version } = await admin.command({ buildInfo: 1 });
  const bytes = Buffer.concat([...documents.values()]);
  const target = { database: 'admin', collection: temporary[kind], ordered: true, bypassValidation: true };
  await rawInserter(client, String(version)).insert({ ...target, documents: bytes, count: documents.size });
}

async function standing(client: MongoClient, kind: Kind, signal: AbortSignal | undefined): Promise<Accounts> {
  const collection = `system.${kind}`;
  const found = new Map<string, Buffer>();
  for await (const batch of readRaw({ client, database: 'admin', collection, command: scan(collection), signal }))
    forEachInArray(batch, (start, end) => {
      const document = Buffer.from(batch.subarray(start, end));
      found.set(idOf(document), document);
    });
  return found;
}

/** Every wanted account must be there now, byte by byte; without `drop` another one of the same name may have stayed. */
async function proveKind({ client, wanted, drop, signal }: RestoreAccountsOptions, kind: Kind): Promise<readonly string[]> {
  const now = await standing(client, kind, signal);
  const kept: string[] = [];
  for (const [id, document] of wanted[kind]) {
    const found = now.get(id);
    if (found?.equals(document) === true) continue;
    if (found === undefined || drop) throw new GuardError('restore/digest-mismatch', `One of the ${kind} was not restored as it was.`);
    kept.push(JSON.parse(id) as string);
  }
  return kept;
}
