import type { Outcome } from '@migration-guard/shared/action/context';
import { parseRecipients } from '@migration-guard/shared/backup/age/keys';
import { createBackup } from '@migration-guard/shared/backup/create';
import { parseQueries } from '@migration-guard/shared/backup/query';
import { formatBytes } from '@migration-guard/shared/log/format-bytes';
import { connect } from '@migration-guard/shared/mongo/connect';
import type { BackupContext, BackupInputs } from './contract.ts';
import { dumpEngineOf } from './engines.ts';
import { storeOf, uriOf } from './place.ts';
import { collectionsTable, presentBackup, presentDigest } from './present.ts';
import { prove } from './prove.ts';

/** Takes a backup; it counts only when its manifest is written, which is the last thing that happens to it. */
export async function create(inputs: BackupInputs, context: BackupContext): Promise<Outcome> {
  const { log, signal, now, stage } = context;
  const store = await storeOf(inputs, context);
  stage.dataState('The database was only read.');
  await using connection = await connect(uriOf(inputs));
  const database = inputs.database ?? connection.defaultDatabase;
  const manifest = await createBackup({
    connection,
    store,
    selection: {
      databases: inputs.databases ?? (database === undefined ? [] : [database]),
      include: inputs.include,
      exclude: inputs.exclude,
      queries: parseQueries(inputs.query ?? []),
    },
    accounts: inputs.usersAndRoles,
    requiredCollections: inputs.requiredCollections,
    compression: inputs.compression,
    recipients: parseRecipients(inputs.encryptTo ?? []),
    consistency: inputs.consistency,
    engine: await dumpEngineOf(inputs, context),
    environment: inputs.environment,
    log,
    signal,
    now,
  });
  presentBackup(context, store, manifest);
  presentDigest(context, manifest.digest);
  stage.table(collectionsTable(manifest));
  await prove(inputs.proof, { store, manifest, context });
  log.info(`Backup ${manifest.id}: ${formatBytes(manifest.storedBytes)} in ${store.locate(manifest.id)}`);
  if (inputs.usersAndRoles && manifest.encryption === undefined)
    stage.finding({
      severity: 'warning',
      rule: 'backup/password-hashes',
      message: 'The backup holds password hashes and is not encrypted: set `encrypt-to`.',
    });
  const incomplete = manifest.collections.some(({ pointInTime, type }) => !pointInTime && type !== 'view');
  if (!incomplete) return { result: 'passed' };
  return {
    result: 'warned',
    reason:
      `The backup ${manifest.id} does not show one point in time (consistency: ${manifest.consistency.kind}). ${manifest.consistency.because ?? ''}`.trim(),
  };
}
