import type { Outcome } from '@migration-guard/shared/action/context';
import { listBackups } from '@migration-guard/shared/backup/list';
import { leaveLocked, parseKeep, planPrune, removeBackup } from '@migration-guard/shared/backup/retention';
import type { BackupContext, BackupInputs } from './contract.ts';
import { storeOf } from './place.ts';
import { backupsOutput, backupsTable } from './present.ts';

/** Removes the backups that no rule keeps. The newest backup, the newest proven one and locked ones stay. */
export async function prune(inputs: BackupInputs, context: BackupContext): Promise<Outcome> {
  const { log, now, signal, stage } = context;
  const rules = parseKeep(inputs.keep ?? []);
  const store = await storeOf(inputs, context);
  const { keep, remove, locked } = await leaveLocked(store, planPrune(await listBackups(store), rules, now()));
  for (const { backup, lock } of locked) {
    const until = lock.until === undefined ? 'until its legal hold is lifted' : `until ${lock.until.toISOString()}`;
    stage.finding({ severity: 'note', rule: 'backup/locked', message: `${backup.id} is locked ${until} and was kept.` });
    log.info(`${backup.id} is locked ${until} and was kept`);
  }
  for (const { id, status } of remove) {
    signal.throwIfAborted();
    log.info(`Removing ${id} (${status})`);
    await removeBackup(store, id);
  }
  stage.figure('removed', remove.length);
  stage.figure('kept', keep.length);
  if (locked.length > 0) stage.figure('locked', locked.length);
  stage.table(backupsTable(keep, now()));
  context.setOutput('backups', backupsOutput(keep));
  return { result: 'passed' };
}
