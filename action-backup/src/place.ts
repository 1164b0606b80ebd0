import path from 'node:path';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import type { Secret } from '@migration-guard/shared/redaction/secret';
import type { BackupStore } from '@migration-guard/shared/backup/store';
import { openStore } from '@migration-guard/shared/backup/stores/open';
import type { BackupContext, BackupInputs } from './contract.ts';

/** The store that the inputs name; a relative folder starts at the workspace. */
export function storeOf({ store }: Pick<BackupInputs, 'store'>, { workspace }: Pick<BackupContext, 'workspace'>): BackupStore {
  return openStore(/^[a-z][a-z0-9+.-]+:\/\//i.test(store) ? store : path.resolve(workspace, store));
}

/** The connection string, which the spec demands in every mode that asks for it. */
export function uriOf({ uri }: Pick<BackupInputs, 'uri'>): Secret {
  if (uri === undefined) throw new GuardError('input/invalid', 'uri is required.');
  return uri;
}
