import type { Outcome } from '@migration-guard/shared/action/context';
import { GuardError, toError } from '@migration-guard/shared/errors/guard-error';
import { keepStructure } from '@migration-guard/shared/migration/drift/structure';
import { openJournal, type Journal } from '@migration-guard/shared/migration/journal';
import { climb, type Reached } from '@migration-guard/shared/rollback/ladder';
import { setMaintenance } from '@migration-guard/shared/rollback/maintenance';
import { switchOffPreImages } from '@migration-guard/shared/rollback/undo/pre-images';
import type { Emergency } from './emergency.ts';
import { runNamedHook } from './hooks.ts';
import { manualSteps } from './manual-steps.ts';
import { presentPassed, presentReached, presentSteps, proofOf } from './present.ts';
import { recordEach } from './record.ts';
import { rungsOf } from './rungs/all.ts';
import { findNothingToDo } from './nothing-to-do.ts';
import type { Situation } from './situation.ts';

/** Stops the application, climbs the ladder until a rung is proven, records it, starts the application. The lock is held. */
export async function apply(situation: Situation, emergency: Emergency): Promise<Outcome> {
  const { subject, inputs, context, signal } = situation;
  const { log, stage } = context;
  const started = performance.now();
  const journal = journalOf(situation);
  const rungs = rungsOf(situation);
  const nothing = await findNothingToDo(situation, rungs);
  if (nothing !== undefined) {
    const completed = await completeRecords(situation, journal);
    return completed ? { ...nothing, reason: `${nothing.reason} The journal, which an earlier run left open, is completed.` } : nothing;
  }
  const files = filesOf(situation);
  try {
    const reached = await climb(rungs, {
      log,
      signal,
      onPassed: (passed) => presentPassed(passed, stage),
      onBegin: async (rung, prepared) => {
        if (!emergency.begun) await stopApplication(situation);
        emergency.begun = true;
        emergency.steps = manualSteps({ inputs, subject, begun: true, steps: prepared.steps });
        emergency.dataState = `${subject.database} is not back at the rollback point: the rollback failed on its way, at the rung ${rung}.`;
        stage.dataState(emergency.dataState);
        presentSteps(rung, prepared, context);
        await recordEach(journal, files, { state: 'ROLLING_BACK', rung });
      },
    });
    context.setOutput('proof', proofOf(reached));
    const milliseconds = Math.round(performance.now() - started);
    await leave(situation);
    await recordEach(journal, files, { state: 'ROLLED_BACK', rung: reached.rung, milliseconds });
    emergency.begun = false;
    emergency.dataState = `${subject.database} is rolled back and proven; the application does not run.`;
    emergency.steps = 'Start the application by hand; the data is ready.';
    return await finish(situation, { reached, milliseconds });
  } catch (error) {
    if (emergency.begun) await recordFailure(situation, journal, error);
    throw error;
  }
}

/** What a proven rollback leaves: no pre-images that a migration switched on, and the structure that the next migration compares with. */
async function leave({ subject, context }: Situation): Promise<void> {
  await switchOffPreImages(subject.db);
  await keepStructure(subject.db, { run: context.run.url, now: context.now() });
}

function journalOf({ subject, lock, context }: Situation): Journal {
  if (lock === undefined) throw new Error('A rollback needs the lock.');
  const { run, now } = context;
  return openJournal({ db: subject.db, lock, run: run.url, now, rollbackPoint: subject.point.id });
}

/** The files of which the journal is kept: those that are touched, or those that an earlier run had already taken back. */
function filesOf({ records }: Situation): readonly string[] {
  return records.touched.length > 0 ? records.touched : records.begun;
}

async function stopApplication({ subject, inputs, context }: Situation): Promise<void> {
  if (context.settings.maintenance) await setMaintenance(subject.db, true, context.run.url);
  await runNamedHook('stop', inputs, context).catch(async (error: unknown) => {
    if (context.settings.maintenance) await setMaintenance(subject.db, false, context.run.url).catch(() => undefined);
    throw error;
  });
}

async function startApplication({ subject, inputs, context }: Situation): Promise<void> {
  if (context.settings.maintenance) await setMaintenance(subject.db, false, context.run.url);
  await runNamedHook('start', inputs, context);
}

async function finish(
  situation: Situation,
  { reached, milliseconds }: { readonly reached: Reached; readonly milliseconds: number },
): Promise<Outcome> {
  const { subject, context } = situation;
  context.stage.figure('Rolled back in', `${(milliseconds / 1_000).toFixed(1)} s`);
  const outcome = presentReached(reached, subject, context);
  await startApplication(situation);
  return outcome;
}

async function recordFailure({ subject, context, records }: Situation, journal: Journal, error: unknown): Promise<void> {
  context.setOutput('proof', 'failed');
  const code = error instanceof GuardError ? { error: error.code } : {};
  await recordEach(journal, records.touched, { state: 'ROLLBACK_FAILED', ...code }).catch((thrown: unknown) =>
    context.log.warning(`The journal of ${subject.database} could not be written: ${toError(thrown).message}`),
  );
}

/**
 * Writes down what a rollback that was killed after its proof could not, and starts the application that it left stopped. Tells whether
 * there was something to write.
 */
async function completeRecords(situation: Situation, journal: Journal): Promise<boolean> {
  const { records } = situation;
  await leave(situation);
  if (records.touched.length === 0) return false;
  await recordEach(journal, records.touched, { state: 'ROLLED_BACK' });
  await startApplication(situation);
  return true;
}
