import type { Outcome } from '@migration-guard/shared/action/context';
import { listBackups } from '@migration-guard/shared/backup/list';
import { parseKeep, planPrune, removeBackup } from '@migration-guard/shared/backup/retention';
import type { BackupContext, BackupInputs } from './contract.ts';
import { storeOf } from './place.ts';
import { backupsOutput, backupsTable } from './present.ts';

/** Removes the backups that no rule keeps. The newest backup and the newest proven one always stay. */
export async function prune(inputs: BackupInputs, context: BackupContext): Promise<Outcome> {
  const { log, now, signal, stage } = context;
  const rules = parseKeep(inputs.keep ?? []);
  const store = storeOf(inputs, context);
  const { keep, remove } = planPrune(await listBackups(store), rules, now());
  for (const { id, status } of remove) {
    signal.throwIfAborted();
    log.info(`Removing ${id} (${status})`);
    await removeBackup(store, id);
  }
  stage.figure('removed', remove.length);
  stage.figure('kept', keep.length);
  stage.table(backupsTable(keep, now()));
  context.setOutput('backups', backupsOutput(keep));
  return { result: 'passed' };
}
