import type { Outcome } from '@migration-guard/shared/action/context';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { describeCheckpoints } from '@migration-guard/shared/migration/journal';
import { readPast } from '@migration-guard/shared/migration/past';
import { makePlan, requireHash, requireRehearsal } from '@migration-guard/shared/migration/plan';
import { recover, resumable, type HalfDone } from '@migration-guard/shared/migration/recovery';
import { settleJournal } from '@migration-guard/shared/migration/settle';
import type { MigrateContext } from '../contract.ts';
import { askTarget } from '../ask-target.ts';
import { decide } from '../decide.ts';
import { findDrift } from '../drift.ts';
import { lintFiles } from '../lint.ts';
import { loadFiles } from '../user-project.ts';
import { checkTransactions } from './transactions.ts';
import type { Admitted, Work } from './work.ts';

/**
 * All that is checked under the lock before the first write; whatever was read before the lock may be stale and is read again. An outcome
 * refuses the run. Throws as `decide`, `loadFiles`, `requireHash` and `requireRehearsal` do, and `migration/half-done`.
 */
export async function admit(work: Work): Promise<Admitted | Outcome> {
  const { inputs, context, project, target, lock } = work;
  const past = await readPast(target.db, project.history);
  const decision = decide({
    project,
    history: await project.history.read(target.db),
    journal: past,
    inputs,
    settings: context.settings,
    now: context.now(),
  });
  const loaded = await loadFiles(project, decision.selected, context);
  const mayRunAgain = (file: string): boolean => (inputs.retry ?? []).includes(file) || loaded.get(file)?.idempotent === true;
  const names = decision.selected.map(({ name }) => name);
  const { run, now, log } = context;
  const journal = await settleJournal(past, { db: target.db, names, lock, run: run.url, now, log });
  const { finished, halfDone } = recover(names, journal, mayRunAgain);
  if (halfDone[0] !== undefined) throw halfDoneError(halfDone[0], context, await describeCheckpoints(target.db, halfDone[0].file));
  const files = decision.selected.filter(({ name }) => !finished.some((entry) => entry.file === name));
  await checkTransactions(work, files, loaded);
  const plan = makePlan({ database: target.database, history: decision.applied, files }, context.now());
  context.setOutput('plan-hash', plan.hash);
  if (inputs.planHash !== undefined) requireHash(plan, inputs.planHash);
  if (inputs.requireRehearsal) await requireRehearsal(plan, { runFolder: context.runFolder, maxAge: inputs.maxAge, now: context.now() });
  const checked = [
    ...(await lintFiles({ project, files, context })),
    ...(await findDrift(target, context)),
    ...(await askTarget(plan, target, context)),
  ];
  context.setOutput('findings', checked.length);
  const faulty = checked.find(({ severity }) => severity === 'error');
  if (faulty === undefined) return { decision, files, loaded, finished, resume: resumable(names, journal), checked: checked.length };
  context.stage.dataState(`Nothing was changed in ${target.database}.`);
  return { result: 'failed', reason: `${faulty.rule}: ${faulty.message}` };
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
