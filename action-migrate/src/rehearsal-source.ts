import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createBackup } from '@migration-guard/shared/backup/create';
import { readManifest, type Manifest } from '@migration-guard/shared/backup/manifest';
import { backupSource } from '@migration-guard/shared/backup/restore-source';
import type { BackupStore } from '@migration-guard/shared/backup/store';
import { directoryStore } from '@migration-guard/shared/backup/stores/directory';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import type { AppliedMigration } from '@migration-guard/shared/migration/history/history';
import type { Project } from '@migration-guard/shared/migration/project';
import { connect } from '@migration-guard/shared/mongo/connect';
import { historyInBackup } from '@migration-guard/shared/rehearsal/history-in-backup';
import { latestBackup } from './backup-choice.ts';
import type { MigrateContext, MigrateInputs } from './contract.ts';
import { refuseStrangers } from './target.ts';

/** What the copy is made of. Disposing removes what was taken for this run only. */
export interface RehearsalSource extends AsyncDisposable {
  /** What is applied, known before anything is taken or restored; `undefined` where only the copy can tell. */
  readonly history: readonly AppliedMigration[] | undefined;
  /** Of the backup, or when the target was asked; ISO 8601. */
  readonly takenAt: string;
  /** Its id, or `fresh`. */
  readonly name: string;
  backup(): Promise<SourceBackup>;
}

interface SourceBackup {
  readonly store: BackupStore;
  readonly manifest: Manifest;
}

interface Parts {
  readonly inputs: MigrateInputs;
  readonly context: MigrateContext;
  readonly project: Project;
  readonly database: string;
}

/**
 * The backup that the inputs name, or a fresh one of the target, where there is no store or `backup-id: fresh` asks for it. Throws
 * `rehearsal/no-backup`, `target/untrusted-event`, and as `latestBackup`, `connect` and `createBackup` do.
 */
export function openRehearsalSource(parts: Parts): Promise<RehearsalSource> {
  const { store, backupId } = parts.inputs;
  return store === undefined || backupId === 'fresh' ? freshSource(parts) : storedSource(store, parts);
}

async function storedSource(location: string, { inputs, context, project, database }: Parts): Promise<RehearsalSource> {
  const { store, id } = await latestBackup(location, inputs, context);
  const manifest = await readManifest(store, id);
  return {
    history: await historyInBackup(backupSource(store, manifest), { database, history: project.history }),
    takenAt: manifest.finishedAt,
    name: id,
    backup: async () => ({ store, manifest }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** Never into the store: there it may have to be encrypted, and kept for a time. */
async function freshSource({ inputs, context, project, database }: Parts): Promise<RehearsalSource> {
  const { uri, environment } = inputs;
  const { env, log, signal, now } = context;
  if (uri === undefined) throw new GuardError('rehearsal/no-backup', 'Neither a store of backups nor a connection string is given.');
  await refuseStrangers(uri, inputs, context);
  await using kept = new AsyncDisposableStack();
  const connection = kept.use(await connect(uri));
  const history = await project.history.read(connection.client.db(database));
  const open = kept.move();
  return {
    history,
    takenAt: now().toISOString(),
    name: 'fresh',
    async backup() {
      const folder = await mkdtemp(path.join(env['RUNNER_TEMP'] || tmpdir(), 'migration-guard-fresh-'));
      open.defer(() => rm(folder, { recursive: true, force: true }));
      const store = directoryStore(folder);
      log.info(`Taking a fresh backup of ${database} …`);
      const selection = { databases: [database], include: [], exclude: [] };
      return { store, manifest: await createBackup({ connection, store, selection, environment, log, signal, now }) };
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
