import type { MongoClient } from 'mongodb';
import { GuardError } from '../../errors/guard-error.ts';
import { fromMongoError } from '../../errors/mongo-errors.ts';
import type { Log } from '../../log/log.ts';
import { createDigester, sameDigest } from '../../mongo/digest.ts';
import { valueText } from '../../mongo/extended-json.ts';
import { elementOf, forEachDocument, forEachInArray, stringOf } from '../../mongo/raw-bson.ts';
import { readRaw, scan } from '../../mongo/raw-read.ts';
import { rawInserter } from '../../mongo/raw-write.ts';
import { readFrames } from '../frame-reader.ts';
import { readManifest, type Manifest, type ManifestAccounts } from '../manifest.ts';
import type { BackupStore } from '../store.ts';

export interface RestoreAccountsOptions {
  readonly client: MongoClient;
  readonly store: BackupStore;
  readonly backupId: string;
  /** Only users and roles of these databases; default: all that the backup holds. */
  readonly databases?: readonly string[] | undefined;
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

type Kind = 'users' | 'roles';
/** The names that the role `restore` may write to. Source: mongodb/mongo builtin_roles.cpp. */
const temporary = { users: 'tempusers', roles: 'temproles' } as const;

/**
 * Gives the server the users and roles of a backup, by the command with which mongorestore does it: what is there and not in the backup
 * stays. Throws `restore/no-accounts`, `restore/digest-mismatch`, `backup/*` for a damaged backup, `target/privilege-missing`, `server/*`.
 */
export async function restoreAccounts(options: RestoreAccountsOptions): Promise<RestoredAccounts> {
  const { client, store, backupId, drop, log, signal } = options;
  const manifest = await readManifest(store, backupId);
  const { accounts } = manifest;
  if (accounts === undefined) throw new GuardError('restore/no-accounts', `The backup ${backupId} was taken without users and roles.`);
  const wanted = { users: await documentsOf(options, manifest, 'users'), roles: await documentsOf(options, manifest, 'roles') };
  try {
    for (const kind of ['users', 'roles'] as const) await fillTemporary(options, kind, wanted[kind]);
    signal?.throwIfAborted();
    await client.db('admin').command({
      _mergeAuthzCollections: 1,
      tempUsersCollection: `admin.${temporary.users}`,
      tempRolesCollection: `admin.${temporary.roles}`,
      db: '',
      drop,
      writeConcern: { w: 'majority' },
    });
    const kept = [...(await proveKind(options, 'users', wanted.users)), ...(await proveKind(options, 'roles', wanted.roles))];
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

/** By their `_id`, such as `shop.app`. */
type Accounts = ReadonlyMap<string, Buffer>;

async function documentsOf({ store, databases, signal }: RestoreAccountsOptions, manifest: Manifest, kind: Kind): Promise<Accounts> {
  const found = new Map<string, Buffer>();
  for (const account of manifest.accounts ?? []) {
    if (account.kind !== kind) continue;
    await readAccount({ store, manifest, account, signal }, (document) => {
      const database = textOf(document, 'db');
      if (databases === undefined || databases.length === 0 || databases.includes(database)) found.set(idOf(document), document);
    });
  }
  return found;
}

interface AccountSource {
  readonly store: BackupStore;
  readonly manifest: Manifest;
  readonly account: ManifestAccounts;
  readonly signal: AbortSignal | undefined;
}

async function readAccount({ store, manifest, account, signal }: AccountSource, visit: (document: Buffer) => void): Promise<void> {
  const digester = createDigester();
  const { id, compression } = manifest;
  for await (const { bytes } of readFrames({ store, id, compression, data: account.data, signal })) {
    digester.add(bytes);
    // Copies: they stay longer than the frame.
    forEachDocument(bytes, (start, end) => visit(Buffer.from(bytes.subarray(start, end))));
  }
  if (sameDigest(digester.digest(), account.digest)) return;
  throw new GuardError('backup/content-mismatch', `${id} does not hold the ${account.kind} that its manifest says.`);
}

/**
 * The collection that the server merges. With `drop` it removes what is not in it, so what is there and not in the backup goes in too.
 */
async function fillTemporary({ client, drop, signal }: RestoreAccountsOptions, kind: Kind, wanted: Accounts): Promise<void> {
  const admin = client.db('admin');
  await admin.dropCollection(temporary[kind]);
  await admin.createCollection(temporary[kind]);
  const documents = drop ? new Map([...(await standing(client, kind, signal)), ...wanted]) : wanted;
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

/** Every account of the backup must be there now, byte by byte; without `drop` another one of the same name may have stayed. */
async function proveKind({ client, drop, signal }: RestoreAccountsOptions, kind: Kind, wanted: Accounts): Promise<readonly string[]> {
  const now = await standing(client, kind, signal);
  const kept: string[] = [];
  for (const [id, document] of wanted) {
    const found = now.get(id);
    if (found?.equals(document) === true) continue;
    if (found === undefined || drop) throw new GuardError('restore/digest-mismatch', `One of the ${kind} was not restored as it was.`);
    kept.push(JSON.parse(id) as string);
  }
  return kept;
}

function idOf(document: Buffer): string {
  const id = elementOf(document, '_id');
  return id === undefined ? '' : valueText(id.type, id.value);
}

function textOf(document: Buffer, name: string): string {
  const element = elementOf(document, name);
  return element?.type === 0x02 ? stringOf(element.value) : '';
}
