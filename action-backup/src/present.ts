import type { ListedBackup } from '@migration-guard/shared/backup/list';
import { isPartial, type Manifest } from '@migration-guard/shared/backup/manifest';
import type { BackupStore } from '@migration-guard/shared/backup/store';
import { formatAge } from '@migration-guard/shared/log/format-age';
import { formatBytes } from '@migration-guard/shared/log/format-bytes';
import { formatCount } from '@migration-guard/shared/log/format-count';
import type { Digest } from '@migration-guard/shared/mongo/digest';
import type { Table } from '@migration-guard/shared/report/run-report';
import type { BackupContext } from './contract.ts';

/** Largest number of collections that a report lists. */
const longestTable = 50;

/** Sets the outputs that every mode with one backup has, and its figures. */
export function presentBackup(context: BackupContext, store: BackupStore, manifest: Manifest): void {
  const { stage } = context;
  context.setOutput('backup-id', manifest.id);
  context.setOutput('backup-path', store.locate(manifest.id));
  context.setOutput('consistency', manifest.consistency.kind);
  stage.figure('backup', manifest.id);
  stage.figure('consistency', manifest.consistency.kind);
  const { clusterTime, because } = manifest.consistency;
  if (clusterTime !== undefined) stage.figure('cluster time', clusterTime);
  if (because !== undefined) stage.finding({ severity: 'note', rule: 'backup/weaker-consistency', message: because });
  if (manifest.oplog !== undefined) stage.figure('oplog', `${formatCount(manifest.oplog.entries)} entries`);
  for (const { database, name, query } of manifest.collections) {
    if (query === undefined) continue;
    stage.finding({
      severity: 'note',
      rule: 'backup/partial',
      message: `${database}.${name} was taken by a query: the backup holds only a part of it.`,
    });
  }
  stage.figure('stored', formatBytes(manifest.storedBytes));
  for (const { database, name, pointInTime, type } of manifest.collections) {
    if (pointInTime || type === 'view' || manifest.consistency.kind === 'none') continue;
    const message = `${database}.${name} was written while it was read, and this server cannot read it at one point in time.`;
    stage.finding({ severity: 'warning', rule: 'backup/not-point-in-time', message });
  }
}

/** Sets counts and digest, as outputs and figures. */
export function presentDigest(context: BackupContext, digest: Digest): void {
  const { stage } = context;
  context.setOutput('documents', digest.documents);
  context.setOutput('bytes', digest.bytes);
  context.setOutput('digest', digest.sum);
  stage.figure('documents', digest.documents);
  stage.figure('size', formatBytes(digest.bytes));
  stage.figure('digest', digest.sum);
}

export function collectionsTable({ collections, encryption }: Manifest): Table {
  const largest = collections.toSorted((a, b) => b.digest.bytes - a.digest.bytes);
  return {
    title: collections.length > longestTable ? `The ${longestTable} largest of ${collections.length} collections` : 'Collections',
    columns: ['Collection', 'Kind', 'Documents', 'Size', 'Indexes'],
    rows: largest.slice(0, longestTable).map(({ database, name, type, digest, indexes }) => [
      `${database}.${name}`,
      type,
      formatCount(digest.documents),
      formatBytes(digest.bytes),
      // Those of an encrypted backup are told by its key only.
      encryption !== undefined && indexes.length === 0 ? '' : String(indexes.length),
    ]),
  };
}

/** Newest first. */
export function backupsTable(backups: readonly ListedBackup[], now: Date): Table {
  return {
    title: 'Backups',
    columns: ['Backup', 'Age', 'Stored', 'Consistency', 'Documents', 'Proof'],
    rows: backups.toReversed().map((backup) => {
      if (backup.status !== 'committed') return [backup.id, '', '', backup.status, '', ''];
      const { manifest, proof } = backup;
      const age = formatAge(now.getTime() - Date.parse(manifest.startedAt));
      const documents = formatCount(manifest.digest.documents);
      return [backup.id, age, formatBytes(manifest.storedBytes), kindOf(manifest), documents, proof?.kind ?? 'none'];
    }),
  };
}

/** For example `snapshot`, or `snapshot, in part` of a backup by a query. */
function kindOf(manifest: Manifest): string {
  return `${manifest.consistency.kind}${isPartial(manifest) ? ', in part' : ''}`;
}

/** What the output `backups` holds: newest first. */
export function backupsOutput(backups: readonly ListedBackup[]): readonly unknown[] {
  return backups.toReversed().map((backup) =>
    backup.status === 'committed'
      ? {
          id: backup.id,
          status: backup.status,
          finishedAt: backup.manifest.finishedAt,
          storedBytes: backup.manifest.storedBytes,
          documents: backup.manifest.digest.documents,
          consistency: backup.manifest.consistency.kind,
          partial: isPartial(backup.manifest),
          proof: backup.proof?.kind ?? 'none',
        }
      : { id: backup.id, status: backup.status },
  );
}
