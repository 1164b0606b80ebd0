import type { Outcome } from '@migration-guard/shared/action/context';
import { toError } from '@migration-guard/shared/errors/guard-error';
import { formatBytes } from '@migration-guard/shared/log/format-bytes';
import { acquireLock } from '@migration-guard/shared/migration/lock';
import type { RollbackPlan } from '@migration-guard/shared/rollback/plan';
import { apply, completeRecords } from './apply.ts';
import { assess, type Assessment } from './assess.ts';
import type { RollbackContext, RollbackInputs } from './contract.ts';
import { touchedMigrations } from './record.ts';
import { openSubject, type Subject } from './subject.ts';
import type { Work } from './work.ts';

/** Plans or performs the way back to the rollback point. Until the plan is accepted nothing is written. */
export async function rollback(inputs: RollbackInputs, context: RollbackContext): Promise<Outcome> {
  context.setOutput('rung', 'none');
  context.setOutput('proof', 'none');
  context.setOutput('conflicts', []);
  await using subject = await openSubject(inputs, context);
  context.stage.dataState(`Nothing was changed in ${subject.database}.`);
  const assessment = await assess(subject, inputs, context);
  const { plan, refusal } = assessment;
  present(plan, context);
  const underLock = <T>(body: (work: Work) => Promise<T>): Promise<T> => withLock({ subject, assessment, inputs, context }, body);
  if (plan.steps.length === 0 && refusal === undefined) {
    const completed = inputs.mode === 'apply' && (await touchedMigrations(subject)).length > 0 && (await underLock(completeRecords));
    return nothingToDo(subject, plan, { context, completed });
  }
  if (inputs.mode === 'plan') return planned(assessment, context);
  if (refusal !== undefined) throw refusal;
  return await underLock(apply);
}

async function withLock<T>(parts: Omit<Work, 'lock'>, body: (work: Work) => Promise<T>): Promise<T> {
  const { subject, inputs, context } = parts;
  const { log, signal, run } = context;
  const waitMilliseconds = inputs.lockWait;
  const lock = await acquireLock({ db: subject.db, owner: run.url, purpose: 'rollback apply', log, signal, waitMilliseconds });
  try {
    return await body({ ...parts, lock });
  } finally {
    await lock
      .release()
      .catch((error: unknown) => log.warning(`The lock could not be released, it expires by itself: ${toError(error).message}`));
  }
}

function nothingToDo(
  { database, point }: Subject,
  { conflicts }: RollbackPlan,
  { context, completed }: { readonly context: RollbackContext; readonly completed: boolean },
): Outcome {
  context.setOutput('proof', conflicts.length === 0 ? 'equal' : 'equal-to-backup');
  const equal = conflicts.length === 0 ? `the rollback point ${point.id}` : 'the backup';
  const records = completed ? ' The journal, which an earlier run left open, is completed.' : '';
  return { result: 'passed', reason: `There is nothing to roll back: ${database} equals ${equal}.${records}` };
}

function planned({ plan, refusal }: Assessment, { stage }: RollbackContext): Outcome {
  if (refusal !== undefined) {
    stage.nextStep(refusal.remedy);
    return { result: 'failed', reason: refusal.message };
  }
  stage.nextStep('Run action-rollback with `mode: apply` to do this.');
  return { result: 'passed', reason: `${plan.steps.length} steps lead back to the rollback point.` };
}

function present(plan: RollbackPlan, context: RollbackContext): void {
  const { stage, log } = context;
  context.setOutput('rung', plan.rung);
  context.setOutput(
    'conflicts',
    plan.conflicts.map(({ collection }) => collection),
  );
  stage.figure('Collections that differ', new Set(plan.differences.map(({ collection }) => collection)).size);
  if (plan.steps.length > 0) {
    stage.table({
      title: 'Steps',
      columns: ['Step', 'Collection', 'Documents', 'Why'],
      rows: plan.steps.map((step) => [step.kind, step.collection, String(step.documents), step.why]),
    });
    const restored = plan.steps.flatMap((step) => (step.kind === 'restore' ? [step.bytes] : []));
    stage.figure('To restore', `${restored.length} collections, ${formatBytes(restored.reduce((sum, bytes) => sum + bytes, 0))}`);
    stage.finding({ severity: 'note', rule: 'rollback/later-writes', message: laterWrites });
  }
  for (const { kind, collection, why } of plan.steps) log.info(`${kind} ${collection}: ${why}`);
  for (const { collection, why } of plan.conflicts) {
    stage.finding({ severity: 'warning', rule: 'rollback/backup-differs', message: `${collection}: ${why}.` });
  }
}

const laterWrites = 'Whatever was written to these collections after the rollback point is lost, also by the application.';
