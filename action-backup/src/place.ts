import { openStoreOf } from '@migration-guard/shared/action/store-access';
import type { BackupStore } from '@migration-guard/shared/backup/store';
import type { S3Settings } from '@migration-guard/shared/backup/stores/s3-settings';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import type { Secret } from '@migration-guard/shared/redaction/secret';
import type { BackupContext, BackupInputs } from './contract.ts';

/** The store that the inputs name; a relative folder starts at the workspace. */
export function storeOf(inputs: BackupInputs, context: BackupContext): Promise<BackupStore> {
  return openStoreOf(inputs.store, { ...inputs, ...keepingOf(inputs) }, context);
}

/** How a bucket must keep what is written to it. */
function keepingOf({ s3Sse, s3KmsKey: kmsKey, s3ObjectLock: mode, s3ObjectLockFor }: BackupInputs): S3Settings {
  const encryption = s3Sse ?? (kmsKey === undefined ? undefined : 'aws:kms');
  const objectLock = mode === undefined || s3ObjectLockFor === undefined ? undefined : { mode, milliseconds: s3ObjectLockFor };
  return { encryption, kmsKey, objectLock };
}

/** The connection string, which the spec demands in every mode that asks for it. */
export function uriOf({ uri }: Pick<BackupInputs, 'uri'>): Secret {
  if (uri === undefined) throw new GuardError('input/invalid', 'uri is required.');
  return uri;
}
