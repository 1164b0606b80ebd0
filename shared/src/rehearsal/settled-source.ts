import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createBackup } from '../backup/create.ts';
import { backupSource, type RestoreSource } from '../backup/restore-source.ts';
import { restoreFrom } from '../backup/restore.ts';
import { directoryStore } from '../backup/stores/directory.ts';
import { connect } from '../mongo/connect.ts';
import { Secret } from '../redaction/secret.ts';
import { startCopyServer, type CopyServerOptions } from './copy-server.ts';

export interface SettleOptions extends CopyServerOptions {
  /** The only one that the source holds. */
  readonly database: string;
  readonly signal: AbortSignal;
}

/**
 * The documents of a source as they are after its replay, as a source that needs none: it is restored into a server that ends with this
 * call, and backed up from there. Disposing removes that backup. Throws `embedded/*`, and as `restoreFrom` and `createBackup` do.
 */
export async function settleSource(from: RestoreSource, options: SettleOptions): Promise<RestoreSource & AsyncDisposable> {
  const { database, env, log, signal } = options;
  log.info(`An oplog completes the backup ${from.id}: it is restored once, before it is sampled or masked`);
  await using made = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(env['RUNNER_TEMP'] || tmpdir(), 'migration-guard-settled-'));
  made.defer(() => rm(folder, { recursive: true, force: true }));
  await using server = await startCopyServer(options);
  await using connection = await connect(new Secret(server.uri));
  await restoreFrom(from, { client: connection.client, drop: false, log, signal });
  const store = directoryStore(folder);
  // Nobody else writes there, and a snapshot could not be had of capped collections.
  const manifest = await createBackup({ connection, store, selection: { databases: [database] }, consistency: 'quiescent', log, signal });
  const kept = made.move();
  return { ...backupSource(store, manifest), id: from.id, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
