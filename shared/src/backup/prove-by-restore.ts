import { ensureBinary } from '../embedded/binary.ts';
import { startEmbedded } from '../embedded/server.ts';
import type { Log } from '../log/log.ts';
import { connect } from '../mongo/connect.ts';
import { Secret } from '../redaction/secret.ts';
import { restoreBackup, type RestoreResult } from './restore.ts';
import type { BackupStore } from './store.ts';

export interface RestoreProofOptions {
  readonly store: BackupStore;
  readonly backupId: string;
  /** For `MONGOD_BINARY` and the search for `mongod`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Restores a whole backup into a throw-away server: documents, options and indexes must be equal there. Throws what `restoreBackup`,
 * `ensureBinary` and `startEmbedded` throw.
 */
export async function proveByRestore({ store, backupId, env, log, signal }: RestoreProofOptions): Promise<RestoreResult> {
  const binary = await ensureBinary({ env, log });
  log.info(`Restoring ${backupId} into a throw-away mongod ${binary.version}`);
  await using server = await startEmbedded({ binary: binary.path, topology: { kind: 'replica-set', members: 1 } });
  await using connection = await connect(new Secret(server.uri));
  return await restoreBackup({ client: connection.client, store, backupId, drop: false, log, signal });
}
