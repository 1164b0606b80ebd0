import type { Outcome } from '@migration-guard/shared/action/context';
import { accountsOfBackup } from '@migration-guard/shared/backup/accounts/backup-accounts';
import { restoreAccounts, type RestoreAccountsOptions } from '@migration-guard/shared/backup/accounts/restore-accounts';
import { restoreByMongorestore } from '@migration-guard/shared/backup/engines/mongorestore';
import { requireEngine } from '@migration-guard/shared/backup/engines/require-engine';
import { resolveBackupId } from '@migration-guard/shared/backup/list';
import { readManifest } from '@migration-guard/shared/backup/manifest';
import { nameOf, parseRenames } from '@migration-guard/shared/backup/namespaces';
import { parseOplogLimit } from '@migration-guard/shared/backup/oplog/limit';
import { restoreBackup, type RestoreResult } from '@migration-guard/shared/backup/restore';
import { formatCount } from '@migration-guard/shared/log/format-count';
import { connect } from '@migration-guard/shared/mongo/connect';
import type { Table } from '@migration-guard/shared/report/run-report';
import type { BackupContext, BackupInputs } from './contract.ts';
import { toolAccess } from './engines.ts';
import { storeOf, uriOf } from './place.ts';
import { presentBackup, presentDigest } from './present.ts';

/** Restores a backup or parts of it, and proves every collection by its digest before it takes its name. */
export async function restore(inputs: BackupInputs, context: BackupContext): Promise<Outcome> {
  const { log, signal, stage } = context;
  const store = await storeOf(inputs, context);
  const renames = parseRenames(inputs.nsFrom, inputs.nsTo);
  const backupId = await resolveBackupId(store, inputs.backupId, { maxAge: inputs.maxAge, now: context.now });
  presentBackup(context, store, await readManifest(store, backupId));
  await using connection = await connect(uriOf(inputs));
  requireEngine(connection.topology);
  stage.dataState('Nothing was replaced; shadow collections of a failed restore are removed.');
  const databases = inputs.databases ?? (inputs.database === undefined ? undefined : [inputs.database]);
  const { include, exclude, drop } = inputs;
  const oplogLimit = inputs.oplogLimit === undefined ? undefined : parseOplogLimit(inputs.oplogLimit);
  // Read first: when they are missing, nothing is touched.
  const accounts = inputs.usersAndRoles ? await accountsOfBackup({ store, backupId, databases, signal }) : undefined;
  const choices = { databases, include, exclude, renames, drop, oplogLimit, onNamed: tellNamed(context) };
  const wishes = { client: connection.client, store, backupId, ...choices, log, signal };
  const result =
    inputs.engine === 'mongodump' ? await restoreByMongorestore(wishes, toolAccess(inputs, context)) : await restoreBackup(wishes);
  presentDigest(context, result.digest);
  context.setOutput('proof', 'restore');
  stage.table(restoredTable(result));
  stage.dataState(`${result.collections.length} collections were restored from ${backupId} and are equal to it, by digest.`);
  if (accounts !== undefined) await restoreUsers(context, { client: connection.client, wanted: accounts, drop, log, signal });
  return { result: 'passed' };
}

/** Keeps the report true when a restore fails while its collections take their names. */
export function tellNamed({ stage }: BackupContext): (named: number, of: number) => void {
  return (named, of) =>
    stage.dataState(`The restored collections take their names: ${named} of ${of} have them, the others are as they were.`);
}

export async function restoreUsers({ stage }: BackupContext, options: RestoreAccountsOptions): Promise<void> {
  const { users, roles, kept } = await restoreAccounts(options);
  stage.figure('users and roles', `${users} users, ${roles} roles`);
  for (const name of kept) {
    const message = `${name} was there already and is another one than in the backup: it was left as it is. \`drop: true\` replaces it.`;
    stage.finding({ severity: 'warning', rule: 'restore/account-kept', message });
  }
}

export function restoredTable({ collections }: RestoreResult): Table {
  return {
    title: 'Restored',
    columns: ['From', 'To', 'Documents', 'Replaced'],
    rows: collections.map(({ from, to, digest, replaced }) => [
      nameOf(from),
      nameOf(to),
      formatCount(digest.documents),
      replaced ? 'yes' : 'no',
    ]),
  };
}
