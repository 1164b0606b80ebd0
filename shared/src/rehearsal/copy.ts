import type { MongoClient } from 'mongodb';
import type { Manifest } from '../backup/manifest.ts';
import { backupSource } from '../backup/restore-source.ts';
import { restoreFrom } from '../backup/restore.ts';
import type { BackupStore } from '../backup/store.ts';
import type { RemoteCache } from '../embedded/binary.ts';
import { GuardError } from '../errors/guard-error.ts';
import { fromMongoError } from '../errors/mongo-errors.ts';
import type { Log } from '../log/log.ts';
import { acquireLock, lockCollection, type Lock, type LockToken } from '../migration/lock.ts';
import { connect } from '../mongo/connect.ts';
import { Secret } from '../redaction/secret.ts';
import { startCopyServer } from './copy-server.ts';
import { prepareSource, type Preparation, type PreparedParts } from './prepared-source.ts';
import { settleSource } from './settled-source.ts';

/** Where the copy lives: on a server that is started for it, or in a database of its own on a server that is there. */
export type CopyPlace =
  { readonly kind: 'ephemeral' } | { readonly kind: 'same-server'; readonly uri: Secret } | { readonly kind: 'uri'; readonly uri: Secret };

export interface CopyOptions {
  readonly place: CopyPlace;
  /** Name of the database in the backup. */
  readonly database: string;
  readonly store: BackupStore;
  /** Of a committed backup in the store. */
  readonly manifest: Manifest;
  /** What of it the copy may hold. */
  readonly preparation: Preparation;
  /** Collections in which other tools lock the source: they come over empty. */
  readonly locks: readonly string[];
  /** Told as soon as the copy is claimed, so that it can be removed when this process is killed. */
  readonly claimed?: (token: LockToken) => void;
  /** URL of the run. */
  readonly owner: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the server binary is kept between runs. */
  readonly remoteCache?: RemoteCache | undefined;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A restored database on which migrations may do what they like. Disposing removes it. */
export interface Copy extends AsyncDisposable {
  readonly uri: Secret;
  readonly client: MongoClient;
  readonly database: string;
  readonly serverVersion: string;
  readonly manifest: Manifest;
  readonly lock: Lock;
  /** What was masked and left out. */
  readonly prepared: PreparedParts;
}

/**
 * Restores a backup to where a rehearsal may write. A database that is there already is only replaced when an earlier rehearsal left it.
 * Throws `rehearsal/no-backup`, `rehearsal/copy-exists`, `embedded/*`, `lock/held`, and as `connect`, `prepareSource` and `restoreFrom` do.
 */
export async function openCopy(options: CopyOptions): Promise<Copy> {
  const { place, database, store, manifest, log } = options;
  if (!manifest.collections.some((collection) => collection.database === database)) {
    throw new GuardError('rehearsal/no-backup', `The backup ${manifest.id} holds nothing of the database ${database}.`);
  }
  const cleanUps: (() => PromiseLike<unknown>)[] = [];
  const cleanUp = async (): Promise<void> => {
    for (const step of cleanUps.splice(0).reverse()) await step();
  };
  try {
    const uri = await serverFor(place, options, cleanUps);
    const connection = await connect(uri);
    cleanUps.push(() => connection.client.close());
    const name = nameOfCopy(place, database, connection.defaultDatabase);
    const lock = await claim(connection.client, name, options);
    cleanUps.push(() => remove(connection.client, name, lock));
    options.claimed?.(lock.token);
    log.info(`Restoring ${database} of the backup ${manifest.id} …`);
    await using settled = new AsyncDisposableStack();
    const { env, remoteCache, preparation, signal } = options;
    const { source, tell } = await prepareSource({
      from: backupSource(store, manifest),
      database,
      preparation,
      settle: async (whole) => settled.use(await settleSource(whole, { database, like: manifest.server, env, remoteCache, log, signal })),
      signal,
    });
    await restoreFrom(source, {
      client: connection.client,
      mapNamespace: ({ collection }) => ({ database: name, collection }),
      drop: false,
      log,
      signal,
    });
    const { client, serverVersion } = connection;
    for (const held of options.locks) await client.db(name).collection(held).deleteMany({});
    return { uri, client, database: name, serverVersion, manifest, lock, prepared: tell(), [Symbol.asyncDispose]: cleanUp };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

async function serverFor(
  place: CopyPlace,
  { env, log, remoteCache, manifest }: CopyOptions,
  cleanUps: (() => PromiseLike<unknown>)[],
): Promise<Secret> {
  if (place.kind !== 'ephemeral') return place.uri;
  const server = await startCopyServer({ like: manifest.server, env, log, remoteCache });
  cleanUps.push(() => server.stop());
  return new Secret(server.uri);
}

function nameOfCopy(place: CopyPlace, database: string, named: string | undefined): string {
  if (place.kind === 'ephemeral') return database;
  return (place.kind === 'uri' ? named : undefined) ?? `${database}_migration_test`;
}

/** Takes the lock of the copy's database, by which a copy is known as one, and empties what an earlier rehearsal left behind. */
async function claim(client: MongoClient, database: string, { owner, log, signal }: CopyOptions): Promise<Lock> {
  const db = client.db(database);
  try {
    const names = (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);
    const ours = names.includes(lockCollection) && (await db.collection(lockCollection).countDocuments({ purpose: copyPurpose })) > 0;
    if (names.length > 0 && !ours) {
      throw new GuardError('rehearsal/copy-exists', `The database ${database} exists already and is not the copy of a rehearsal.`);
    }
    const lock = await acquireLock({ db, owner, purpose: copyPurpose, log, signal });
    for (const name of names) if (name !== lockCollection && !name.startsWith('system.')) await db.collection(name).drop();
    return lock;
  } catch (error) {
    throw fromMongoError(error, `Preparing the copy ${database}`);
  }
}

const copyPurpose = 'rehearsal copy';

async function remove(client: MongoClient, database: string, lock: Lock): Promise<void> {
  await lock.release();
  await client.db(database).dropDatabase();
}
