import type { Outcome } from '@migration-guard/shared/action/context';
import { planDocument, planFile, type Plan } from '@migration-guard/shared/migration/plan';
import type { Finding, Result } from '@migration-guard/shared/report/run-report';
import type { MigrateContext } from './contract.ts';
import type { Decision } from './decide.ts';
import type { Performed } from './perform-rehearsal.ts';
import { tellFindings, tellRehearsal } from './rehearsal-report.ts';

export interface Concluding {
  readonly context: MigrateContext;
  readonly database: string;
  readonly decision: Decision;
  readonly plan: Plan;
  readonly backup: { readonly id: string; readonly takenAt: string };
  /** Kind of place on which the copy was. */
  readonly on: string;
  /** Absent when nothing is pending: then there was no copy. */
  readonly rehearsal?: Performed;
  /** Beside those of the runs and of the lint rules. */
  readonly findings: readonly Finding[];
}

/** Tells what was found, keeps the plan with how its rehearsal ended, and judges it. */
export async function concludeRehearsal(parts: Concluding): Promise<Outcome> {
  const { context, database, decision, plan, backup, on, rehearsal, findings } = parts;
  const { stage, runFolder } = context;
  const proven = [...decision.findings, ...findings, ...(rehearsal?.findings ?? [])];
  const all = [...proven, ...(rehearsal?.linted ?? [])];
  const result = resultOf(all);
  const told: Plan['rehearsal'] = {
    result,
    on,
    backup: backup.id,
    findings: all.length,
    touched: touchedBy(rehearsal),
    takenAt: backup.takenAt,
    prechecks: [...(rehearsal?.prechecks ?? [])],
  };
  await planDocument.write(planFile(runFolder), { ...plan, rehearsal: told });
  if (rehearsal !== undefined) tellRehearsal(context, rehearsal);
  tellFindings(context, proven);
  context.setOutput('findings', all.length);
  stage.dataState(
    rehearsal === undefined
      ? `Nothing was changed in ${database}: no migration is pending, and no copy was made.`
      : `Nothing was changed in ${database}: the rehearsal ran on a copy, which is removed.`,
  );
  if (result === 'failed')
    stage.nextStep('Mend the files that the findings name; every push rehearses them again. Nothing of them was applied anywhere.');
  return outcomeOf(result, { findings: all, plan, database });
}

function touchedBy(rehearsal: Performed | undefined): string[] {
  const { files = [], seeded = [] } = rehearsal ?? {};
  const names = files.flatMap(({ effects }) => effects.flatMap(({ collection, renamedFrom }) => [collection, renamedFrom ?? collection]));
  return [...new Set([...names, ...seeded])].sort();
}

function resultOf(findings: readonly Finding[]): Result {
  if (findings.some(({ severity }) => severity === 'error')) return 'failed';
  return findings.some(({ severity }) => severity === 'warning') ? 'warned' : 'passed';
}

function outcomeOf(
  result: Result,
  { findings, plan, database }: { readonly findings: readonly Finding[]; readonly plan: Plan; readonly database: string },
): Outcome {
  const worst = findings.find(({ severity }) => severity === 'error') ?? findings.find(({ severity }) => severity === 'warning');
  if (worst !== undefined) return { result, reason: worst.message };
  const count = plan.files.length;
  if (count === 0) return { result, reason: `No migration is pending in ${database}.` };
  return { result, reason: `${count} ${count === 1 ? 'migration was' : 'migrations were'} proven on a copy of ${database}.` };
}
