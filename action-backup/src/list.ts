import type { Outcome } from '@migration-guard/shared/action/context';
import { listBackups } from '@migration-guard/shared/backup/list';
import type { BackupContext, BackupInputs } from './contract.ts';
import { storeOf } from './place.ts';
import { backupsOutput, backupsTable } from './present.ts';

/** Shows what the store holds, and what in it does not count as a backup. */
export async function list(inputs: BackupInputs, context: BackupContext): Promise<Outcome> {
  const { log, now, stage } = context;
  const backups = await listBackups(await storeOf(inputs, context));
  const table = backupsTable(backups, now());
  stage.figure('backups', backups.filter(({ status }) => status === 'committed').length);
  stage.table(table);
  context.setOutput('backups', backupsOutput(backups));
  for (const row of [table.columns, ...table.rows]) log.info(row.join('  '));
  const newest = backups.findLast(({ status }) => status === 'committed');
  if (newest !== undefined) context.setOutput('backup-id', newest.id);
  const damaged = backups.filter(({ status }) => status === 'damaged');
  if (damaged.length === 0) return { result: 'passed' };
  return { result: 'warned', reason: `${damaged.length} of the backups cannot be used: ${damaged.map(({ id }) => id).join(', ')}.` };
}
