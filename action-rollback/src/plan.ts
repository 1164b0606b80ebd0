import type { Outcome } from '@migration-guard/shared/action/context';
import { findNothingToDo } from './nothing-to-do.ts';
import { presentLadder, presentSteps, type Looked } from './present.ts';
import { rungsOf } from './rungs/all.ts';
import type { Situation } from './situation.ts';

/** Shows which rung a rollback would take and why, what it would do, how long and what could be lost. Writes nothing. */
export async function plan(situation: Situation): Promise<Outcome> {
  const { context, subject } = situation;
  const rungs = rungsOf(situation);
  const nothing = await findNothingToDo(situation, rungs);
  if (nothing !== undefined) return nothing;
  const looked: Looked[] = [];
  for (const rung of rungs) looked.push({ rung: rung.name, prepared: await rung.prepare() });
  const chosen = looked.find(({ prepared }) => prepared.fits);
  presentLadder(looked, chosen?.rung, context);
  if (chosen?.prepared.fits !== true) {
    const [first] = looked.flatMap(({ prepared }) => (!prepared.fits && prepared.error !== undefined ? [prepared.error] : []));
    context.stage.nextStep(first?.remedy ?? 'Name a backup in `store` and `backup-id`, or give the folder of the migrations.');
    const reasons = looked.map(({ rung, prepared: { why } }) => `${rung}: ${why}`).join('; ');
    return { result: 'failed', reason: `No rung leads back to ${subject.point.id}. ${reasons}.` };
  }
  presentSteps(chosen.rung, chosen.prepared, context);
  const { refusal } = chosen.prepared;
  if (refusal !== undefined) {
    context.stage.nextStep(refusal.remedy);
    return { result: 'failed', reason: `${refusal.code}: ${refusal.message}` };
  }
  context.stage.nextStep('Run action-rollback with `mode: apply` to do this.');
  return { result: 'passed', reason: `${chosen.rung} leads back to the rollback point: ${chosen.prepared.why}.` };
}
