import type { Outcome } from '@migration-guard/shared/action/context';
import { readPast } from '@migration-guard/shared/migration/past';
import { makePlan, planDocument, planFile, type Plan } from '@migration-guard/shared/migration/plan';
import type { MigrateContext, MigrateInputs } from './contract.ts';
import { counted } from './counted.ts';
import { decide } from './decide.ts';
import { findDrift } from './drift.ts';
import { findFurtherSteps, furtherOf, namesToRun, plannedSteps, seedsToRun, type FurtherSteps } from './further-steps.ts';
import { staticFindings, tellFindings } from './lint.ts';
import { requireOwnHistory } from './own-history.ts';
import { openProjectAndTarget } from './target.ts';
import { loadFiles } from './user-project.ts';

/** Loads and orders what is pending and gives it a hash; nothing is written to the target. */
export async function plan(inputs: MigrateInputs, context: MigrateContext): Promise<Outcome> {
  const { stage } = context;
  const found = await findFurtherSteps(context);
  await using opened = await openProjectAndTarget(inputs, context);
  const { project, target } = opened;
  const { db, database } = target;
  const history = await project.history.read(db);
  const journal = await readPast(db, project.history);
  const decision = decide({
    project,
    history,
    journal,
    inputs,
    settings: context.settings,
    now: context.now(),
  });
  const further = furtherOf(found, decision);
  const seeds = seedsToRun(further, journal, context);
  context.setOutput(
    'pending',
    namesToRun({ files: decision.pending, commands: found.commands, seeds: seedsToRun(found, journal, context) }),
  );
  context.setOutput('applied', []);
  await requireOwnHistory({ db, project, decision, settings: context.settings });
  await loadFiles(project, [...decision.selected, ...seeds], context);
  for (const finding of decision.findings) stage.finding(finding);
  const linted = await staticFindings({ project, files: decision.selected, context });
  const checked = [...(await tellFindings(linted, context)), ...(await findDrift(target, context))];
  const findings = [...decision.findings, ...checked];
  context.setOutput('findings', findings.length);
  const files = [...decision.selected, ...plannedSteps(further)];
  const made = makePlan({ database, history, files, findings: linted }, context.now());
  await keepPlan(made, planFile(context.runFolder));
  context.setOutput('plan-hash', made.hash);
  const hasRun = (name: string): boolean => further.seeds.some((seed) => seed.name === name) && !seeds.some((seed) => seed.name === name);
  stage.table({
    title: 'Plan',
    columns: ['Order', 'Step', 'SHA-256'],
    rows: made.files.map(({ name, hash }, index) => [String(index + 1), `${name}${hasRun(name) ? ' (has run)' : ''}`, hash.slice(0, 12)]),
  });
  stage.dataState(`Nothing was changed; applied to ${database}: ${counted(decision.applied.length, 'migration')}.`);
  const faulty = checked.find(({ severity }) => severity === 'error');
  if (faulty !== undefined) return { result: 'failed', reason: `${faulty.rule}: ${faulty.message}` };
  const warned = findings.some(({ severity }) => severity === 'warning');
  return {
    result: warned ? 'warned' : 'passed',
    reason: `${describe(decision.selected, { ...further, seeds })} would be applied to ${database}.`,
  };
}

function describe(files: readonly unknown[], { commands, seeds }: FurtherSteps): string {
  const further = (steps: readonly unknown[], one: string): string[] => (steps.length === 0 ? [] : [counted(steps.length, one)]);
  return [counted(files.length, 'migration'), ...further(commands, 'command'), ...further(seeds, 'seed')].join(', ');
}

/** A rehearsal of exactly this plan stays known. */
async function keepPlan(made: Plan, file: string): Promise<void> {
  const before = await planDocument.read(file).catch(() => undefined);
  const rehearsal = before?.hash === made.hash && before.rehearsal !== undefined ? { rehearsal: before.rehearsal } : {};
  await planDocument.write(file, { ...made, ...rehearsal });
}
