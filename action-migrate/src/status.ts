import type { Outcome } from '@migration-guard/shared/action/context';
import { isCommandName } from '@migration-guard/shared/migration/commands/journal-name';
import { readLock } from '@migration-guard/shared/migration/lock';
import { readPast } from '@migration-guard/shared/migration/past';
import { recover } from '@migration-guard/shared/migration/recovery';
import type { MigrateContext, MigrateInputs } from './contract.ts';
import { standingOf } from './decide.ts';
import { findFurtherSteps, namesToRun, seedsToRun } from './further-steps.ts';
import { foreignHistory } from './own-history.ts';
import { openProjectAndTarget } from './target.ts';

/** Tells what is applied, what is pending, what is half-done and who holds the lock; writes nothing and runs nothing. */
export async function status(inputs: MigrateInputs, context: MigrateContext): Promise<Outcome> {
  const { stage, log } = context;
  const further = await findFurtherSteps(context);
  await using opened = await openProjectAndTarget(inputs, context);
  const { project, target } = opened;
  const { db, database } = target;
  const history = await project.history.read(db);
  const journal = await readPast(db, project.history);
  const decision = standingOf({ project, history, journal, settings: context.settings });
  const { pending, missing, late, edited } = decision;
  const { commands } = further;
  const seeds = seedsToRun(further, journal, context);
  const names = namesToRun({ files: pending, commands, seeds });
  const { halfDone } = recover(namesToRun({ files: pending, commands, seeds: [] }), journal, () => false);
  const lock = await readLock(db);
  const stateOf = (name: string): string => {
    if (halfDone.some(({ file }) => file === name)) return 'half-done';
    if (edited.some((file) => file.name === name)) return 'pending again, edited';
    if (isCommandName(name)) return 'runs with each apply';
    return late.some((file) => file.name === name) ? 'pending, late' : 'pending';
  };
  const rows = [
    ...history.map(({ fileName, appliedAt }) => {
      const remark = missing.includes(fileName) ? ', file missing' : edited.some(({ name }) => name === fileName) ? ', edited since' : '';
      return [fileName, `applied${remark}`, appliedAt.toISOString()];
    }),
    ...names.map((name) => [name, stateOf(name), '']),
    ...further.seeds
      .filter((seed) => !seeds.includes(seed))
      .map(({ name }) => [name, 'has run', journal.get(name)?.at.toISOString() ?? '']),
  ];
  for (const row of rows) log.info(row.join('  '));
  stage.table({ title: 'Migrations', columns: ['File', 'State', 'Applied at'], rows });
  stage.figure('Applied', history.length);
  stage.figure('Pending', names.length);
  stage.figure('Lock', lock === undefined ? 'free' : `held by ${lock.owner} until ${lock.expiresAt.toISOString()}`);
  context.setOutput('applied', []);
  context.setOutput('pending', names);
  const foreign = await foreignHistory({ db, project, decision, settings: context.settings });
  context.setOutput('findings', halfDone.length + (foreign === undefined ? 0 : 1));
  for (const { known, unknown } of halfDone) {
    stage.finding({ severity: 'warning', rule: 'migration/half-done', message: `Known: ${known}. Not known: ${unknown}.` });
  }
  if (foreign !== undefined) stage.finding({ severity: 'warning', rule: foreign.code, message: `${foreign.message} ${foreign.remedy}` });
  const counts = `${history.length} applied, ${names.length} pending`;
  stage.dataState(`${database}: ${counts}.`);
  if (foreign !== undefined) return { result: 'warned', reason: `${counts}. ${foreign.message}` };
  return halfDone.length === 0
    ? { result: 'passed', reason: `${counts}.` }
    : { result: 'warned', reason: `${counts}, ${halfDone.length} half-done.` };
}
