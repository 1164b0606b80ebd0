import type { Outcome } from '@migration-guard/shared/action/context';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { openJournal } from '@migration-guard/shared/migration/journal';
import { markApplied as mark } from '@migration-guard/shared/migration/mark-applied';
import { isNamed, standing } from '@migration-guard/shared/migration/order';
import { withLocks } from './apply/locks.ts';
import type { MigrateContext, MigrateInputs } from './contract.ts';
import { counted } from './counted.ts';
import { openProjectAndTarget } from './target.ts';

/** Lets the files that `only` names count as applied without running them; history and journal keep who said so and why. */
export async function markApplied(inputs: MigrateInputs, context: MigrateContext): Promise<Outcome> {
  const { stage, run, now, log } = context;
  const only = inputs.only ?? [];
  const reason = inputs.reason ?? '';
  await using opened = await openProjectAndTarget(inputs, context);
  const { project, target } = opened;
  const { db, database } = target;
  context.setOutput('applied', []);
  return await withLocks({ inputs, context, project, target }, async (lock) => {
    const { applied, pending } = standing(project.files, await project.history.read(db));
    const files = project.files.filter((file) => only.some((name) => isNamed(file, name)));
    const unknown = only.filter((name) => !project.files.some((file) => isNamed(file, name)));
    if (unknown.length > 0) throw new GuardError('migration/not-found', `Not in ${project.folder}: ${unknown.join(', ')}.`);
    const journal = openJournal({ db, lock, run: run.url, now });
    const marks = files.map((file) => ({ file, appliedAt: now() }));
    await mark(marks, { db, project, journal, lock, actor: run.actor, reason, applied, now });
    const marked = files.map(({ name }) => name);
    for (const name of marked) log.notice(`${name} counts as applied and was not run: ${reason} (${run.actor})`);
    context.setOutput(
      'pending',
      pending.map(({ name }) => name).filter((name) => !marked.includes(name)),
    );
    stage.table({
      title: 'Marked as applied',
      columns: ['File', 'Before'],
      rows: marked.map((name) => [name, applied.includes(name) ? 'applied' : 'pending']),
    });
    stage.finding({ severity: 'note', rule: 'migration/marked-applied', message: `${run.actor} marked ${marked.join(', ')}: ${reason}` });
    stage.dataState(`No document of ${database} was changed; its history and journal say that ${marked.join(', ')} count as applied.`);
    return {
      result: 'passed',
      reason: `Counted as applied to ${database} without having run: ${counted(marked.length, 'migration')}. ${reason}`,
    };
  });
}
