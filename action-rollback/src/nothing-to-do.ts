import type { Outcome } from '@migration-guard/shared/action/context';
import type { End, Rung } from '@migration-guard/shared/rollback/ladder';
import { apartFrom, presentCompared } from './present.ts';
import { assess, type Assessment } from './rungs/restore.ts';
import { lookAtUndo } from './rungs/undo.ts';
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
  const undone = await findUndone(situation);
  if (undone !== undefined) return undone;
  const assessment = await assess(situation, situation.inputs.strategy === 'restore' ? 'restore' : 'restore-collections');
  return isThereNothing(assessment, situation) ? outcome(assessment, situation) : undefined;
}

function isThereNothing({ plan, missing }: Assessment, { inputs }: Situation): boolean {
  // A backup that holds what the database holds now is where `conflicts: revert` ends; without that wish it is no success.
  return plan.steps.length === 0 && missing === undefined && (plan.conflicts.length === 0 || inputs.conflicts === 'revert');
}

function outcome({ plan }: Assessment, situation: Situation): Outcome {
  const { subject, context } = situation;
  presentCompared(undefined, context);
  if (plan.conflicts.length === 0) return nothing(plan.kept, situation);
  context.setOutput('proof', 'equal-to-backup');
  return { result: 'passed', reason: `There is nothing to roll back: ${subject.database} equals the backup.` };
}

function nothing(kept: End['kept'], { subject, context }: Situation): Outcome {
  const { database, point } = subject;
  context.setOutput('proof', kept.length === 0 ? 'equal' : 'equal-with-later-writes');
  return {
    result: 'passed',
    reason: `There is nothing to roll back: ${database} equals the rollback point ${point.id}${apartFrom(kept)}.`,
  };
}

/**
 * Proves an undo once more that an earlier run brought to its end. Only the undo tells what the application wrote since, also to the same
 * collections, from what the undo itself wrote.
 */
async function findUndone(situation: Situation): Promise<Outcome | undefined> {
  const { records, inputs, context } = situation;
  if (records.touched.length > 0 || records.rungs.size !== 1 || !records.rungs.has('undo')) return undefined;
  const undo = await lookAtUndo(situation);
  if (!undo.possible) return undefined;
  await using opened = undo;
  if (opened.steps.length > 0 || (opened.conflicts.length > 0 && inputs.conflicts !== 'keep')) return undefined;
  const proof = await opened.prove();
  if (proof.differences.length > 0) return undefined;
  const notRead = presentCompared(proof, context);
  const { result, reason } = nothing(
    opened.laterWrites.filter(({ writes }) => writes > 0),
    situation,
  );
  return { result, reason: `${reason}${notRead}` };
}
