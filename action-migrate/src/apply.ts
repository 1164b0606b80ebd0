import type { Outcome } from '@migration-guard/shared/action/context';
import { keepStructure } from '@migration-guard/shared/migration/drift/structure';
import { readPast } from '@migration-guard/shared/migration/past';
import { admit } from './apply/admit.ts';
import { withLocks } from './apply/locks.ts';
import { connectMigrations, perform } from './apply/perform.ts';
import { takePoint } from './apply/take-point.ts';
import { endLeftUndo, prepareUndo } from './apply/undo-record.ts';
import type { Work } from './apply/work.ts';
import { concludeApply } from './conclude-apply.ts';
import type { MigrateContext, MigrateInputs } from './contract.ts';
import { appliedFindings, standingOf } from './decide.ts';
import { findFurtherSteps, namesToRun, seedsToRun } from './further-steps.ts';
import { prepareLint } from './lint.ts';
import { openProjectAndTarget } from './target.ts';
import { loadFiles } from './user-project.ts';

/** Applies what is pending: everything is loaded first, then lock, checks, rollback point, and one file after the other. */
export async function apply(inputs: MigrateInputs, context: MigrateContext): Promise<Outcome> {
  const further = await findFurtherSteps(context);
  const opening = openProjectAndTarget(inputs, context);
  prepareLint(context);
  await using opened = await opening;
  const { project, target } = opened;
  const { settings } = context;
  const journal = await readPast(target.db, project.history);
  const stand = standingOf({ project, history: await project.history.read(target.db), journal, settings });
  const { pending } = stand;
  const seeds = seedsToRun(further, journal, context);
  const names = namesToRun({ files: pending, commands: further.commands, seeds });
  context.setOutput('applied', []);
  context.setOutput('pending', names);
  context.setOutput('findings', 0);
  if (names.length === 0) {
    await endLeftUndo({ inputs, context, project, target });
    context.stage.dataState(`Nothing was changed in ${target.database}.`);
    const findings = appliedFindings(stand, { project, settings });
    for (const finding of findings) context.stage.finding(finding);
    context.setOutput('findings', findings.length);
    return { result: findings.length === 0 ? 'passed' : 'warned', reason: `No migration is pending in ${target.database}.` };
  }
  const files = [...pending, ...seeds];
  await loadFiles(project, files, context);
  const parts = { inputs, context, project, target };
  return await withLocks(parts, (lock) => applyUnderLock({ ...parts, lock, further }, files.length > 0));
}

async function applyUnderLock(work: Work, areLoaded: boolean): Promise<Outcome> {
  // It takes as long as the checks do, and `perform` hears of it when it fails.
  const connecting = areLoaded ? connectMigrations(work) : undefined;
  connecting?.catch(() => undefined);
  const admitted = await admit(work);
  if ('result' in admitted) return admitted;
  const undo = await prepareUndo(work, admitted);
  const point = await takePoint(work, admitted, undo.switchedOn);
  const performed = await perform(work, admitted, { connecting, point, undo });
  if (performed.failure === undefined) await keepStructure(work.target.db, { run: work.context.run.url, now: work.context.now() });
  return concludeApply({ context: work.context, database: work.target.database, performed, point, admitted });
}
