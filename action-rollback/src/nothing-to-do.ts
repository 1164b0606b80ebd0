import type { Outcome } from '@migration-guard/shared/action/context';
import type { Rung } from '@migration-guard/shared/rollback/ladder';
import { assess, type Assessment } from './rungs/restore.ts';
import type { Situation } from './situation.ts';

/**
 * Says that there is nothing to roll back, when it is so. Where migrations are open that can be undone the database is not read for it:
 * the undo knows by itself what is left to do, and proves it.
 */
export async function findNothingToDo(situation: Situation, rungs: readonly Rung[]): Promise<Outcome | undefined> {
  const { records } = situation;
  if (records.touched.length > 0) {
    const [first] = rungs;
    if (first?.name === 'undo' && (await first.prepare()).fits) return undefined;
  }
  const assessment = await assess(situation, situation.inputs.strategy === 'restore' ? 'restore' : 'restore-collections');
  return isThereNothing(assessment, situation) ? outcome(assessment, situation) : undefined;
}

function isThereNothing({ plan, missing }: Assessment, { inputs }: Situation): boolean {
  // A backup that holds what the database holds now is where `conflicts: revert` ends; without that wish it is no success.
  return plan.steps.length === 0 && missing === undefined && (plan.conflicts.length === 0 || inputs.conflicts === 'revert');
}

function outcome({ plan }: Assessment, { subject, context }: Situation): Outcome {
  const { database, point } = subject;
  if (plan.conflicts.length > 0) {
    context.setOutput('proof', 'equal-to-backup');
    return { result: 'passed', reason: `There is nothing to roll back: ${database} equals the backup.` };
  }
  const later = plan.kept.map(({ collection, writes }) => `${collection} (${writes} writes)`).join(', ');
  context.setOutput('proof', later === '' ? 'equal' : 'equal-with-later-writes');
  const apart = later === '' ? '' : ` apart from what others wrote since, which is kept: ${later}`;
  return { result: 'passed', reason: `There is nothing to roll back: ${database} equals the rollback point ${point.id}${apart}.` };
}
