import type { Outcome } from '@migration-guard/shared/action/context';
import { readPast } from '@migration-guard/shared/migration/past';
import { makePlan, planDocument, planFile, type Plan } from '@migration-guard/shared/migration/plan';
import type { MigrateContext, MigrateInputs } from './contract.ts';
import { decide } from './decide.ts';
import { findDrift } from './drift.ts';
import { lintFiles } from './lint.ts';
import { openTarget } from './target.ts';
import { loadFiles, openUserProject } from './user-project.ts';

/** Loads and orders what is pending and gives it a hash; nothing is written to the target. */
export async function plan(inputs: MigrateInputs, context: MigrateContext): Promise<Outcome> {
  const { stage } = context;
  await using project = await openUserProject(inputs, context);
  await using target = await openTarget(inputs, context, project);
  const { db, database } = target;
  const history = await project.history.read(db);
  const decision = decide({
    project,
    history,
    journal: await readPast(db, project.history),
    inputs,
    settings: context.settings,
    now: context.now(),
  });
  context.setOutput(
    'pending',
    decision.pending.map(({ name }) => name),
  );
  context.setOutput('applied', []);
  await loadFiles(project, decision.selected, context);
  for (const finding of decision.findings) stage.finding(finding);
  const checked = [...(await lintFiles({ project, files: decision.selected, context })), ...(await findDrift(target, context))];
  const findings = [...decision.findings, ...checked];
  context.setOutput('findings', findings.length);
  const made = makePlan({ database, history: decision.applied, files: decision.selected }, context.now());
  await keepPlan(made, planFile(context.runFolder));
  context.setOutput('plan-hash', made.hash);
  stage.table({
    title: 'Plan',
    columns: ['Order', 'File', 'SHA-256'],
    rows: made.files.map(({ name, hash }, index) => [String(index + 1), name, hash.slice(0, 12)]),
  });
  stage.dataState(`Nothing was changed; ${decision.applied.length} migrations are applied to ${database}.`);
  const faulty = checked.find(({ severity }) => severity === 'error');
  if (faulty !== undefined) return { result: 'failed', reason: `${faulty.rule}: ${faulty.message}` };
  const warned = findings.some(({ severity }) => severity === 'warning');
  return { result: warned ? 'warned' : 'passed', reason: `${made.files.length} migrations would be applied to ${database}.` };
}

/** A rehearsal of exactly this plan stays known. */
async function keepPlan(made: Plan, file: string): Promise<void> {
  const before = await planDocument.read(file).catch(() => undefined);
  const rehearsal = before?.hash === made.hash && before.rehearsal !== undefined ? { rehearsal: before.rehearsal } : {};
  await planDocument.write(file, { ...made, ...rehearsal });
}
