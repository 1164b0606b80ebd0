import type { Outcome } from '@migration-guard/shared/action/context';
import type { CommandSettings } from '@migration-guard/shared/config/migrate';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { journalName } from '@migration-guard/shared/migration/commands/journal-name';
import { describeCheckpoints } from '@migration-guard/shared/migration/journal';
import { readPast } from '@migration-guard/shared/migration/past';
import { makePlan, requireHash, requireRehearsal } from '@migration-guard/shared/migration/plan';
import { recover, resumable, type HalfDone } from '@migration-guard/shared/migration/recovery';
import { settleJournal } from '@migration-guard/shared/migration/settle';
import type { LoadedFile } from '@migration-guard/shared/migration/worker/protocol';
import type { MigrateContext, MigrateInputs } from '../contract.ts';
import { askTarget } from '../ask-target.ts';
import { decide } from '../decide.ts';
import { findDrift } from '../drift.ts';
import { furtherOf, namesToRun, plannedSteps, seedsToRun } from '../further-steps.ts';
import { staticFindings, tellFindings } from '../lint.ts';
import { requireOwnHistory } from '../own-history.ts';
import { loadFiles } from '../user-project.ts';
import { checkTransactions } from './transactions.ts';
import type { Admitted, Work } from './work.ts';

/**
 * All that is checked under the lock before the first write; whatever was read before the lock may be stale and is read again. An outcome
 * refuses the run. Throws as `decide`, `requireOwnHistory`, `loadFiles`, `requireHash` and `requireRehearsal` do, and `migration/half-done`.
 */
export async function admit(work: Work): Promise<Admitted | Outcome> {
  const { inputs, context, project, target, lock } = work;
  const { run, now, log } = context;
  const past = await readPast(target.db, project.history);
  const decision = decide({
    project,
    history: await project.history.read(target.db),
    journal: past,
    inputs,
    settings: context.settings,
    now: context.now(),
  });
  const further = furtherOf(work.further, decision);
  await requireOwnHistory({ db: target.db, project, decision, settings: context.settings });
  const loaded = await loadFiles(project, [...decision.selected, ...seedsToRun(further, past, context)], context);
  const names = namesToRun({ ...further, files: decision.selected });
  const journal = await settleJournal(past, { db: target.db, names, lock, run: run.url, now, log });
  const { commands } = further;
  // Seeds are repeatable: nothing of theirs can be half-done.
  const once = namesToRun({ files: decision.selected, commands, seeds: [] });
  const { finished, halfDone } = recover(once, journal, mayRunAgain(inputs, loaded, commands));
  if (halfDone[0] !== undefined) throw halfDoneError(halfDone[0], context, await describeCheckpoints(target.db, halfDone[0].file));
  const files = decision.selected.filter(({ name }) => !finished.some((entry) => entry.file === name));
  const seeds = seedsToRun(further, journal, context);
  const pending = namesToRun({ ...work.further, files: decision.pending, seeds: seedsToRun(work.further, journal, context) });
  await checkTransactions(work, [...files, ...seeds], loaded);
  const found = await staticFindings({ project, files, context });
  const steps = [...files, ...plannedSteps(further)];
  const plan = makePlan({ database: target.database, history: decision.history, files: steps, findings: found }, now());
  context.setOutput('plan-hash', plan.hash);
  if (inputs.planHash !== undefined) await requireHash(plan, inputs.planHash, context.runFolder);
  if (inputs.requireRehearsal) await requireRehearsal(plan, { runFolder: context.runFolder, maxAge: inputs.maxAge, now: context.now() });
  const checked = [
    ...(await tellFindings(found, context)),
    ...(await findDrift(target, context)),
    ...(await askTarget(plan, target, context)),
  ];
  context.setOutput('findings', checked.length);
  const faulty = checked.find(({ severity }) => severity === 'error');
  const resume = resumable(names, journal);
  if (faulty === undefined) {
    return { decision, files, commands, seeds, pending, plan, loaded, finished, resume, checked: checked.length };
  }
  context.stage.dataState(`Nothing was changed in ${target.database}.`);
  return { result: 'failed', reason: `${faulty.rule}: ${faulty.message}` };
}

/** Which half-done steps may run from their beginning: those that say so, and those that a person names. */
function mayRunAgain(
  { retry = [] }: MigrateInputs,
  loaded: ReadonlyMap<string, LoadedFile>,
  commands: readonly CommandSettings[],
): (name: string) => boolean {
  const idempotent = new Set(commands.filter((command) => command.idempotent).map(journalName));
  return (name) => retry.includes(name) || idempotent.has(name) || loaded.get(name)?.idempotent === true;
}

function halfDoneError({ file, known: told, unknown, entry }: HalfDone, { stage }: MigrateContext, walks: string): GuardError {
  const known = walks === '' ? told : `${told}; its batches came so far: ${walks}`;
  const again = walks === '' ? 'from its beginning' : 'from its beginning, its batches from where they were';
  const point = entry.rollbackPoint === undefined ? 'the rollback point of that run' : `rollback point ${entry.rollbackPoint}`;
  const rollback = `Run action-rollback with ${point} (\`rollback-point: latest\` takes the newest)`;
  stage.dataState(`Nothing was changed by this run. Known: ${known}. Not known: ${unknown}.`);
  stage.nextStep(`${rollback}.`);
  return new GuardError('migration/half-done', `${file} is half-done. Known: ${known}. Not known: ${unknown}.`, {
    remedy: `${rollback}; or, if ${file} may run again ${again}, set \`retry: ${file}\`.`,
  });
}
