import type { Outcome } from '@migration-guard/shared/action/context';
import { newestBackupId } from '@migration-guard/shared/backup/list';
import { readOverview, type Manifest } from '@migration-guard/shared/backup/manifest';
import { requireCollections } from '@migration-guard/shared/backup/plan';
import { formatAge } from '@migration-guard/shared/log/format-age';
import type { BackupContext, BackupInputs } from './contract.ts';
import { storeOf } from './place.ts';
import { collectionsTable, presentBackup, presentDigest } from './present.ts';
import { prove } from './prove.ts';

/** Proves a backup by reading all of it, and by a restore when that is asked for. */
export async function verify(inputs: BackupInputs, context: BackupContext): Promise<Outcome> {
  const store = await storeOf(inputs, context);
  const manifest = await readOverview(store, await newestBackupId(store, inputs.backupId));
  presentBackup(context, store, manifest);
  presentDigest(context, manifest.digest);
  context.stage.table(collectionsTable(manifest));
  requireCollections(
    inputs.requiredCollections ?? [],
    manifest.collections.map(({ database, name, digest }) => ({ database, collection: name, documents: digest.documents })),
  );
  await prove(inputs.proof, { store, manifest, context });
  return freshness(inputs.maxAge, manifest, context.now());
}

/** The age counts from the start of the backup: that is the time that it shows. `maxAge` in milliseconds. */
export function freshness(maxAge: number | undefined, { id, startedAt }: Manifest, now: Date): Outcome {
  const age = now.getTime() - Date.parse(startedAt);
  if (maxAge === undefined || age <= maxAge) return { result: 'passed' };
  return { result: 'failed', reason: `The backup ${id} is ${formatAge(age)} old, ${formatAge(maxAge)} are allowed.` };
}
