import type { Outcome } from '@migration-guard/shared/action/context';
import { heldIn } from '@migration-guard/shared/backup/engines/held';
import { listBackups } from '@migration-guard/shared/backup/list';
import { leaveHeld, leaveLocked, parseKeep, planPrune, removeBackup } from '@migration-guard/shared/backup/retention';
import { isKeeper } from './engine-inputs.ts';
import type { BackupContext, BackupInputs } from './contract.ts';
import { keeperOf } from './engines.ts';
import { storeOf } from './place.ts';
import { backupsOutput, backupsTable } from './present.ts';

/** Removes the backups that no rule keeps. The newest backup, the newest proven one and locked ones stay. */
export async function prune(inputs: BackupInputs, context: BackupContext): Promise<Outcome> {
  const { log, now, signal, stage } = context;
  const rules = parseKeep(inputs.keep ?? []);
  const store = await storeOf(inputs, context);
  const keeper = isKeeper(inputs.engine) ? await keeperOf(inputs, context) : undefined;
  const plan = leaveHeld(planPrune(await listBackups(store), rules, now()), keeper?.kind);
  const { keep, remove, locked } = await leaveLocked(store, plan);
  for (const { id, by } of plan.held) {
    const message = `${id} is kept by ${by} and was not removed: prune it with \`engine: ${by}\`.`;
    stage.finding({ severity: 'note', rule: 'backup/held-elsewhere', message });
    log.info(message);
  }
  for (const { backup, lock } of locked) {
    const until = lock.until === undefined ? 'until its legal hold is lifted' : `until ${lock.until.toISOString()}`;
    stage.finding({ severity: 'note', rule: 'backup/locked', message: `${backup.id} is locked ${until} and was kept.` });
    log.info(`${backup.id} is locked ${until} and was kept`);
  }
  for (const backup of remove) {
    const { id, status } = backup;
    signal.throwIfAborted();
    log.info(`Removing ${id} (${status})`);
    await removeBackup(store, id);
    if (keeper !== undefined && backup.status === 'committed' && backup.manifest.held !== undefined)
      await keeper.remove(heldIn(backup.manifest, keeper));
  }
  stage.figure('removed', remove.length);
  stage.figure('kept', keep.length);
  if (locked.length > 0) stage.figure('locked', locked.length);
  stage.table(backupsTable(keep, now()));
  context.setOutput('backups', backupsOutput(keep));
  return { result: 'passed' };
}
