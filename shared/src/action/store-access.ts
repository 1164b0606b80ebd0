import type { S3Settings } from '../backup/stores/s3-settings.ts';
import { decryptingStore } from '../backup/age/decrypting-store.ts';
import { parseIdentities } from '../backup/age/keys.ts';
import { openStore } from '../backup/stores/open.ts';
import type { BackupStore } from '../backup/store.ts';
import type { Secret } from '../redaction/secret.ts';
import type { Context } from './context.ts';

/** The inputs that say how a bucket is reached; only action-backup says how it keeps what is written. */
interface StoreInputs extends Pick<S3Settings, 'encryption' | 'kmsKey' | 'objectLock'> {
  readonly s3Endpoint: string | undefined;
  readonly s3Region: string | undefined;
  readonly s3PathStyle: boolean | undefined;
  readonly roleToAssume: string | undefined;
  readonly decryptKey: Secret | undefined;
}

export type StoreContext = Pick<Context, 'workspace' | 'env' | 'log' | 'signal' | 'now' | 'idToken'>;

/** Opens the store at a location as the inputs of an action say. It decrypts when there is a key. Throws as `openStore` does, and `input/invalid`. */
export async function openStoreOf(location: string, inputs: StoreInputs, context: StoreContext): Promise<BackupStore> {
  const { s3Endpoint: endpoint, s3Region: region, s3PathStyle: pathStyle, roleToAssume: role, encryption, kmsKey, objectLock } = inputs;
  const { workspace, env, log, signal, now, idToken } = context;
  const s3 = { endpoint, region, pathStyle, role, encryption, kmsKey, objectLock };
  const identities = inputs.decryptKey === undefined ? [] : parseIdentities(inputs.decryptKey);
  return decryptingStore(await openStore(location, { workspace, env, log, signal, now, idToken, s3 }), identities);
}
