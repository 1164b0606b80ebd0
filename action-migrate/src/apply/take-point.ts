import { createPoint, type CreatedPoint } from '@migration-guard/shared/rollback/point';
import { latestBackup } from '../backup-choice.ts';
import { namesToRun } from '../further-steps.ts';
import type { Admitted, Work } from './work.ts';

/** Takes the rollback point, the last thing before the first write, and gives its path as output. */
export async function takePoint(
  { inputs, context, project, target }: Work,
  { decision, commands, seeds }: Admitted,
  switchedOn: readonly string[],
): Promise<CreatedPoint> {
  const { now, signal, runFolder, log, stage } = context;
  const backup = inputs.store === undefined ? undefined : await latestBackup(inputs.store, inputs, context);
  if (backup === undefined) {
    stage.finding({
      severity: 'warning',
      rule: 'migration/no-backup',
      message: 'The rollback point refers to no backup: set `store`, or a restore is not possible.',
    });
  }
  log.info(`Taking the rollback point of ${target.database} …`);
  const { client } = target.connection;
  const made = await createPoint({
    client,
    database: target.database,
    backup: backup === undefined ? undefined : { store: backup.location, id: backup.id },
    changelog: project.history.collection,
    historyKind: project.history.kind,
    history: decision.applied,
    planned: namesToRun({ files: decision.selected, commands, seeds }),
    ignore: project.config.lockCollectionName === undefined ? [] : [project.config.lockCollectionName],
    switchedOn,
    now,
    signal,
    runFolder,
  });
  context.setOutput('rollback-point', made.file);
  stage.figure('Rollback point', made.point.id);
  return made;
}
