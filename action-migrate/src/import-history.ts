import type { Outcome } from '@migration-guard/shared/action/context';
import { planImport, type ImportPlan } from '@migration-guard/shared/migration/import/plan';
import { readForeignHistory, type ForeignHistory } from '@migration-guard/shared/migration/import/read';
import { openJournal } from '@migration-guard/shared/migration/journal';
import { markApplied } from '@migration-guard/shared/migration/mark-applied';
import { standing } from '@migration-guard/shared/migration/order';
import type { Project } from '@migration-guard/shared/migration/project';
import { withLocks } from './apply/locks.ts';
import type { MigrateContext, MigrateInputs } from './contract.ts';
import { counted } from './counted.ts';
import { openProjectAndTarget, type Target } from './target.ts';

/** Takes over what another tool has applied. The plan is shown first; it is carried out only when the input `import-write` says so. */
export async function importHistory(inputs: MigrateInputs, context: MigrateContext): Promise<Outcome> {
  const { stage } = context;
  await using opened = await openProjectAndTarget(inputs, context);
  const { project, target } = opened;
  context.setOutput('applied', []);
  const foreign = await readForeignHistory(target.db, inputs.importFrom ?? 'migrate-mongo', inputs.importCollection);
  const work: Work = { inputs, context, project, target, foreign };
  const plan = await makePlan(work);
  tell(plan, context);
  const source = `${foreign.source} (${target.database}.${foreign.collection})`;
  const counts = `${plan.taken.length} to be taken over from ${source}, ${plan.known.length} known already, ${plan.unmatched.length} not matched`;
  const result = plan.unmatched.length > 0 ? 'warned' : 'passed';
  if (!inputs.importWrite) {
    stage.dataState(`Nothing was changed in ${target.database}.`);
    stage.nextStep('Look at the plan; then run this step again with `import-write: true`.');
    return { result, reason: `${counts}. Nothing was written.` };
  }
  const taken = await withLocks({ inputs, context, project, target }, async (lock) => {
    const { taken: now, known } = await makePlan(work);
    const journal = openJournal({ db: target.db, lock, run: context.run.url, now: context.now });
    await markApplied(
      now.map(({ file, appliedAt }) => ({ file, appliedAt: appliedAt ?? context.now() })),
      {
        db: target.db,
        project,
        journal,
        lock,
        actor: context.run.actor,
        reason: `taken over from ${source}`,
        applied: known.map(({ file }) => file.name),
        now: context.now,
      },
    );
    return now.map(({ file }) => file.name);
  });
  stage.dataState(
    `No document of ${target.database} was changed; its history holds ${counted(taken.length, 'migration')} more, of ${source}.`,
  );
  return {
    result,
    reason: `Taken over from ${source}: ${counted(taken.length, 'migration')}; ${plan.unmatched.length} could not be matched.`,
  };
}

interface Work {
  readonly inputs: MigrateInputs;
  readonly context: MigrateContext;
  readonly project: Project;
  readonly target: Target;
  readonly foreign: ForeignHistory;
}

async function makePlan({ context, project, target, foreign }: Work): Promise<ImportPlan> {
  const { applied } = standing(project.files, await project.history.read(target.db));
  return planImport({ records: foreign.records, files: project.files, applied, named: context.settings['import-names'] });
}

function tell({ taken, known, unmatched, skipped, pending }: ImportPlan, context: MigrateContext): void {
  const { stage, log } = context;
  context.setOutput('pending', pending);
  context.setOutput('findings', unmatched.length);
  const rows = [
    ...taken.map(({ id, file, appliedAt }) => [id, file.name, 'to be taken over', appliedAt?.toISOString() ?? 'time not known']),
    ...known.map(({ id, file }) => [id, file.name, 'known already', '']),
    ...unmatched.map(({ id, why }) => [id, '', `not matched: ${why}`, '']),
    ...skipped.map(({ id, why }) => [id, '', `not applied: ${why}`, '']),
    ...pending.map((name) => ['', name, 'stays pending', '']),
  ];
  for (const row of rows) log.info(row.filter((cell) => cell !== '').join('  '));
  stage.table({ title: 'History of the other tool', columns: ['There', 'File', 'What becomes of it', 'Applied at'], rows });
  for (const { id, why } of unmatched) {
    const message = `${id} is applied, and ${why}. Name its file in \`import-names\` of the section migrate, or leave it.`;
    stage.finding({ severity: 'warning', rule: 'migration/import-unmatched', message });
  }
}
