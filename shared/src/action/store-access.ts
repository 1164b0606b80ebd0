import type { S3Settings } from '../backup/stores/s3-settings.ts';
import { openStore } from '../backup/stores/open.ts';
import type { BackupStore } from '../backup/store.ts';
import type { Context } from './context.ts';

/** The inputs that say how a bucket is reached; only action-backup says how it keeps what is written. */
interface StoreInputs extends Pick<S3Settings, 'encryption' | 'kmsKey' | 'objectLock'> {
  readonly s3Endpoint: string | undefined;
  readonly s3Region: string | undefined;
  readonly s3PathStyle: boolean | undefined;
  readonly roleToAssume: string | undefined;
}

export type StoreContext = Pick<Context, 'workspace' | 'env' | 'log' | 'signal' | 'now' | 'idToken'>;

/** Opens the store at a location as the inputs of an action say. Throws as `openStore` does. */
export function openStoreOf(location: string, inputs: StoreInputs, context: StoreContext): Promise<BackupStore> {
  const { s3Endpoint: endpoint, s3Region: region, s3PathStyle: pathStyle, roleToAssume: role, encryption, kmsKey, objectLock } = inputs;
  const { workspace, env, log, signal, now, idToken } = context;
  const s3 = { endpoint, region, pathStyle, role, encryption, kmsKey, objectLock };
  return openStore(location, { workspace, env, log, signal, now, idToken, s3 });
}
