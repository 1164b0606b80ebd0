import type { Outcome } from '@migration-guard/shared/action/context';
import type { CensusDifference } from '@migration-guard/shared/checks/compare-census';
import { GuardError, toError } from '@migration-guard/shared/errors/guard-error';
import { openJournal, type Journal } from '@migration-guard/shared/migration/journal';
import { prove } from '@migration-guard/shared/rollback/prove';
import { carryOut } from '@migration-guard/shared/rollback/restore';
import { planFrom, type Assessment } from './assess.ts';
import { runNamedHook } from './hooks.ts';
import { manualSteps } from './manual-steps.ts';
import { recordRolledBack, touchedMigrations } from './record.ts';
import type { Work } from './work.ts';

/** Something may write while it is rolled back: what still differs is put right once more, then it is a failure. */
const passes = 2;

/** Stops the application, puts the data back, proves it, records it, starts the application. The lock is held. */
export async function apply(work: Work): Promise<Outcome> {
  const { subject, inputs, context } = work;
  const { stage } = context;
  const { database, point } = subject;
  const started = performance.now();
  const journal = journalOf(work);
  const files = await touchedMigrations(subject);
  await runNamedHook('stop', inputs, context);
  let last = work.assessment;
  try {
    last = await climb(work);
    context.setOutput('proof', last.plan.conflicts.length === 0 ? 'equal' : 'equal-to-backup');
    await recordRolledBack(journal, files, { state: 'ROLLED_BACK', milliseconds: Math.round(performance.now() - started) });
  } catch (error) {
    context.setOutput('proof', 'failed');
    stage.dataState(`${database} is not back at the rollback point: the rollback failed on its way.`);
    stage.nextStep(manualSteps(work));
    await recordRolledBack(journal, files, { state: 'ROLLBACK_FAILED', ...codeOf(error) }).catch((thrown: unknown) =>
      context.log.warning(`The journal could not be written: ${toError(thrown).message}`),
    );
    throw error;
  }
  stage.figure('Rolled back in', `${((performance.now() - started) / 1_000).toFixed(1)} s`);
  const reached = last.plan.conflicts.length === 0 ? `the rollback point ${point.id}` : `the backup ${last.backup?.id}`;
  stage.dataState(`${database} equals ${reached}: every collection, digest, index and option was compared.`);
  await runNamedHook('start', inputs, context);
  if (last.plan.conflicts.length === 0) return { result: 'passed', reason: `${database} is rolled back to ${reached}, proven by digest.` };
  const lost = last.plan.conflicts.map(({ collection }) => collection).join(', ');
  return { result: 'warned', reason: `${database} is rolled back; writes to ${lost} between the backup and the rollback point are lost.` };
}

/**
 * Writes down what a rollback that was killed after its proof could not, and starts the application that it left stopped. Tells whether
 * there was something to write.
 */
export async function completeRecords(work: Work): Promise<boolean> {
  const files = await touchedMigrations(work.subject);
  if (files.length === 0) return false;
  await recordRolledBack(journalOf(work), files, { state: 'ROLLED_BACK' });
  await runNamedHook('start', work.inputs, work.context);
  return true;
}

function journalOf({ subject, lock, context }: Work): Journal {
  const { run, now } = context;
  return openJournal({ db: subject.db, lock, run: run.url, now, rollbackPoint: subject.point.id });
}

/** Carries the plan out and proves it. Returns the plan that was proven. Throws `rollback/not-proven`. */
async function climb({ subject, assessment, lock, inputs, context }: Work): Promise<Assessment> {
  const { client, database, point } = subject;
  const { log, stage } = context;
  const signal = AbortSignal.any([context.signal, lock.lost]);
  let current = assessment;
  for (let pass = 1; ; pass++) {
    if (current.refusal !== undefined) throw current.refusal;
    await carryOut(current.plan, { client, database, backup: current.backup, lock, log, signal });
    log.info('Proving the result …');
    const { differences, found } = await prove({ client, point, expected: current.plan.expected, log, signal });
    if (differences.length === 0) return current;
    log.warning(`${describe(differences)} after pass ${pass} of ${passes}.`);
    if (pass === passes) {
      stage.table({
        title: 'What still differs',
        columns: ['Collection', 'What', 'Wanted', 'Found'],
        rows: differences.map(({ collection, what, before, after }) => [collection, what, before, after]),
      });
      throw new GuardError('rollback/not-proven', `${database} is not proven to be at the rollback point: ${describe(differences)}.`);
    }
    current = planFrom({ subject, inputs, backup: current.backup, now: found });
  }
}

function describe(differences: readonly CensusDifference[]): string {
  const [first] = differences;
  const more = differences.length > 1 ? ` and ${differences.length - 1} more` : '';
  return first === undefined ? 'nothing differs' : `${first.what} of ${first.collection}${more} differ`;
}

function codeOf(error: unknown): { readonly error?: string } {
  return error instanceof GuardError ? { error: error.code } : {};
}
