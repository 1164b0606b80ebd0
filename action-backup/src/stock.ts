import path from 'node:path';
import type { Outcome } from '@migration-guard/shared/action/context';
import { requireEngine } from '@migration-guard/shared/backup/engines/require-engine';
import { parseRenames } from '@migration-guard/shared/backup/namespaces';
import { parseOplogLimit } from '@migration-guard/shared/backup/oplog/limit';
import { requireCollections } from '@migration-guard/shared/backup/plan';
import type { StockDump } from '@migration-guard/shared/backup/stock/dump';
import { accountsOfDump } from '@migration-guard/shared/backup/stock/dump-accounts';
import { openDump } from '@migration-guard/shared/backup/stock/open-dump';
import { restoreDump } from '@migration-guard/shared/backup/stock/restore-dump';
import { surveyDump } from '@migration-guard/shared/backup/stock/survey';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { connect } from '@migration-guard/shared/mongo/connect';
import type { BackupContext, BackupInputs } from './contract.ts';
import { uriOf } from './place.ts';
import { presentDigest } from './present.ts';
import { restoredTable, restoreUsers, tellNamed } from './restore.ts';

/** The dump of mongodump that the input `store` names, if it is one. */
export async function stockDumpOf(
  { store, backupId }: Pick<BackupInputs, 'store' | 'backupId'>,
  { workspace, log }: Pick<BackupContext, 'workspace' | 'log'>,
): Promise<StockDump | undefined> {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(store)) return undefined;
  const dump = await openDump(path.resolve(workspace, store));
  if (dump === undefined) return undefined;
  if (backupId !== 'latest')
    throw new GuardError('backup/not-found', `${store} is a dump of mongodump: there is no backup ${backupId} in it.`);
  log.info(`${dump.location} is ${dump.kind === 'archive' ? 'an archive' : 'a folder'} of mongodump`);
  return dump;
}

/** Restores a dump of mongodump, and proves every collection by its digest before it takes its name. */
export async function restoreStock(dump: StockDump, inputs: BackupInputs, context: BackupContext): Promise<Outcome> {
  const { log, signal, stage } = context;
  presentStock(dump, inputs, context);
  const renames = parseRenames(inputs.nsFrom, inputs.nsTo);
  await using connection = await connect(uriOf(inputs));
  requireEngine(connection.topology);
  stage.dataState('Nothing was replaced; shadow collections of a failed restore are removed.');
  const databases = inputs.databases ?? (inputs.database === undefined ? undefined : [inputs.database]);
  const { include, exclude, drop } = inputs;
  // Read first: when they are missing, nothing is touched.
  const accounts = inputs.usersAndRoles ? await accountsOfDump(dump, { databases, signal }) : undefined;
  const oplogLimit = inputs.oplogLimit === undefined ? undefined : parseOplogLimit(inputs.oplogLimit);
  const result = await restoreDump(dump, {
    client: connection.client,
    databases,
    include,
    exclude,
    renames,
    drop,
    oplogLimit,
    onNamed: tellNamed(context),
    log,
    signal,
  });
  presentDigest(context, result.digest);
  context.setOutput('proof', 'restore');
  stage.table(restoredTable(result));
  const replayed = result.replayed === undefined ? '' : `, and ${result.replayed} operations of its oplog were replayed`;
  if (result.replayed !== undefined) stage.figure('oplog', `${result.replayed} operations`);
  stage.dataState(`${result.collections.length} collections were restored from the dump and are equal to it, by digest${replayed}.`);
  if (accounts !== undefined) await restoreUsers(context, { client: connection.client, wanted: accounts, drop, log, signal });
  return { result: 'passed' };
}

/** Reads a dump of mongodump to its end: structure, checksums, and every document. */
export async function verifyStock(dump: StockDump, inputs: BackupInputs, context: BackupContext): Promise<Outcome> {
  const { log, signal, stage } = context;
  presentStock(dump, inputs, context);
  if (inputs.proof === 'restore')
    throw new GuardError('input/invalid', '`proof: restore` is for backups; restore the dump of mongodump itself.');
  if (inputs.maxAge !== undefined)
    throw new GuardError('input/invalid', 'A dump of mongodump does not say how old it is: leave out `max-age`.');
  const survey = await surveyDump(dump, { log, signal });
  requireCollections(
    inputs.requiredCollections ?? [],
    survey.collections.map(({ database, name, digest }) => ({ database, collection: name, documents: digest.documents })),
  );
  presentDigest(context, survey.digest);
  context.setOutput('proof', 'read');
  stage.figure('proof', 'every byte read and every document checked; a folder of mongodump holds no checksums');
  if (dump.hasOplog) stage.figure('oplog', `${survey.oplog.entries} entries`);
  return { result: 'passed' };
}

function presentStock(dump: StockDump, { usersAndRoles }: Pick<BackupInputs, 'usersAndRoles'>, context: BackupContext): void {
  context.setOutput('backup-path', dump.location);
  context.setOutput('proof', 'none');
  context.stage.figure('dump', `${dump.kind} of mongodump, ${dump.collections.length} collections`);
  for (const left of [...dump.leftOut, ...(usersAndRoles ? [] : dump.accounts.map(({ key }) => key))])
    context.stage.finding({ severity: 'note', rule: 'dump/left-out', message: `${left} is in the dump and is not restored.` });
}
