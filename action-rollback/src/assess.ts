import { openStoreOf } from '@migration-guard/shared/action/store-access';
import { resolveBackupId } from '@migration-guard/shared/backup/list';
import { readManifest } from '@migration-guard/shared/backup/manifest';
import type { BackupStore } from '@migration-guard/shared/backup/store';
import { compareCensus } from '@migration-guard/shared/checks/compare-census';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import type { Census } from '@migration-guard/shared/mongo/census';
import { censusOfBackup } from '@migration-guard/shared/rollback/backup-census';
import { planRollback, type RollbackPlan } from '@migration-guard/shared/rollback/plan';
import { takeCensusFor } from '@migration-guard/shared/rollback/point';
import type { RollbackContext, RollbackInputs } from './contract.ts';
import type { Subject } from './subject.ts';

export interface ChosenBackup {
  readonly store: BackupStore;
  readonly id: string;
  readonly census: Census;
}

/** What a rollback would do, and what speaks against it. */
export interface Assessment {
  readonly plan: RollbackPlan;
  readonly backup: ChosenBackup | undefined;
  /** Why the plan may not be carried out as the inputs are. */
  readonly refusal: GuardError | undefined;
}

/** Compares the database with the point and, only where that is needed, with the backup. */
export async function assess(subject: Subject, inputs: RollbackInputs, context: RollbackContext): Promise<Assessment> {
  const { client, point, database } = subject;
  const { log, signal } = context;
  log.info(`Comparing ${database} with the rollback point ${point.id} of ${point.createdAt} …`);
  const now = await takeCensusFor(point, { client, signal, log });
  const differs = compareCensus(point.census, now).length > 0;
  const backup = differs ? await chooseBackup(subject, inputs, context) : undefined;
  return planFrom({ subject, inputs, backup, now });
}

/** Plans from what the database holds now, for the first time and after a pass that did not suffice. */
export function planFrom({
  subject,
  inputs,
  backup,
  now,
}: {
  readonly subject: Pick<Subject, 'point'>;
  readonly inputs: RollbackInputs;
  readonly backup: ChosenBackup | undefined;
  readonly now: Census;
}): Assessment {
  const plan = planRollback({ point: subject.point, now, backup: backup?.census, strategy: inputs.strategy });
  return { plan, backup, refusal: refusalOf(plan, inputs, backup) };
}

function refusalOf(plan: RollbackPlan, { conflicts }: RollbackInputs, backup: ChosenBackup | undefined): GuardError | undefined {
  const [first] = plan.conflicts;
  if (first === undefined) return undefined;
  if (backup === undefined) {
    return new GuardError('rollback/no-backup', `The rollback point names no backup from which ${first.collection} could be restored.`);
  }
  const lost = plan.conflicts.find(({ restorable }) => !restorable);
  const shown = lost ?? first;
  const more = plan.conflicts.length > 1 ? ` (and ${plan.conflicts.length - 1} more)` : '';
  const message = `The backup ${backup.id} does not hold ${shown.collection} as it was at the rollback point: ${shown.why}${more}.`;
  if (lost !== undefined) {
    const remedy = `Nothing was changed. Name a backup that holds ${lost.collection} in the inputs \`store\` and \`backup-id\`.`;
    return new GuardError('rollback/backup-differs', message, { remedy });
  }
  return conflicts === 'revert' ? undefined : new GuardError('rollback/backup-differs', message);
}

async function chooseBackup(
  { point, database }: Subject,
  inputs: RollbackInputs,
  context: RollbackContext,
): Promise<ChosenBackup | undefined> {
  const named = inputs.store ?? point.backup?.store;
  if (named === undefined) return undefined;
  const store = await openStoreOf(named, inputs, context);
  const id = await resolveBackupId(store, inputs.backupId ?? point.backup?.id ?? 'latest');
  return { store, id, census: censusOfBackup(await readManifest(store, id), database) };
}
