import type { Outcome } from '@migration-guard/shared/action/context';
import { toError } from '@migration-guard/shared/errors/guard-error';
import { acquireLock, type Lock } from '@migration-guard/shared/migration/lock';
import { apply } from './apply.ts';
import type { RollbackContext, RollbackInputs } from './contract.ts';
import { raiseAlarm, type Emergency } from './emergency.ts';
import { manualSteps } from './manual-steps.ts';
import { plan } from './plan.ts';
import { readRecords } from './record.ts';
import type { Situation } from './situation.ts';
import { openSubject, type Subject } from './subject.ts';

/** Plans or performs the way back to the rollback point. A rollback that fails raises the alarm. */
export async function rollback(inputs: RollbackInputs, context: RollbackContext): Promise<Outcome> {
  context.setOutput('rung', 'none');
  context.setOutput('proof', 'none');
  context.setOutput('proof-extent', 'none');
  context.setOutput('conflicts', []);
  context.stage.dataState('Nothing was changed by this rollback.');
  const emergency: Emergency = { begun: false, steps: manualSteps({ inputs, begun: false }), dataState: undefined };
  try {
    await using subject = await openSubject(inputs, context);
    emergency.steps = manualSteps({ inputs, subject, begun: false });
    context.stage.dataState(`Nothing was changed in ${subject.database}.`);
    await using resources = new AsyncDisposableStack();
    const { signal } = context;
    if (inputs.mode === 'plan') {
      return await plan({ subject, inputs, context, records: await readRecords(subject), lock: undefined, signal, resources });
    }
    return await withLock({ subject, inputs, context, resources, emergency });
  } catch (error) {
    // Who cancels a run knows that it was cancelled.
    if (inputs.mode === 'apply' && (!context.signal.aborted || emergency.begun)) await raiseAlarm(error, emergency, { inputs, context });
    throw error;
  }
}

interface Parts extends Pick<Situation, 'subject' | 'inputs' | 'context' | 'resources'> {
  readonly emergency: Emergency;
}

/** What an earlier rollback left is known only under the lock; one that failed has kept it for us. */
async function withLock({ subject, inputs, context, resources, emergency }: Parts): Promise<Outcome> {
  const { log, run } = context;
  const lock = await acquireLock({
    db: subject.db,
    owner: run.url,
    purpose: 'rollback apply',
    log,
    signal: context.signal,
    waitMilliseconds: inputs.lockWait,
    takeKept: true,
  });
  try {
    const signal = AbortSignal.any([context.signal, lock.lost]);
    return await apply({ subject, inputs, context, records: await readRecords(subject), lock, signal, resources }, emergency);
  } catch (error) {
    if (emergency.begun) await keep(lock, subject, context);
    throw error;
  } finally {
    await lock
      .release()
      .catch((error: unknown) => log.warning(`The lock could not be released, it expires by itself: ${toError(error).message}`));
  }
}

/** No migration may start on data that are half rolled back. */
async function keep(lock: Lock, { point }: Subject, { log }: RollbackContext): Promise<void> {
  await lock
    .keep(`its rollback to ${point.id} failed half-way, so that no migration may start.`)
    .catch((error: unknown) => log.warning(`The lock could not be kept: ${toError(error).message}`));
}
