import { findingsOnTarget } from '@migration-guard/shared/migration/prechecks/known';
import { runPrechecks } from '@migration-guard/shared/migration/prechecks/run';
import { planDocument, planFile, type Plan } from '@migration-guard/shared/migration/plan';
import type { Finding } from '@migration-guard/shared/report/run-report';
import type { MigrateContext } from './contract.ts';
import { precheckTime } from './foresight.ts';
import type { Target } from './target.ts';

/**
 * Puts to the target, seconds before the first write, the questions that the rehearsal of exactly this plan has raised: the data may have
 * changed since the backup. None when this plan was not rehearsed in this run folder.
 */
export async function askTarget(plan: Plan, { db }: Pick<Target, 'db'>, context: MigrateContext): Promise<readonly Finding[]> {
  const { stage, log, now, signal, runFolder } = context;
  const rehearsed = await planDocument.read(planFile(runFolder)).catch(() => undefined);
  const known = rehearsed?.hash === plan.hash ? (rehearsed.rehearsal?.prechecks ?? []) : [];
  if (known.length === 0) return [];
  const answers = await runPrechecks({ db, checks: known.map(({ check }) => check), now: now(), signal, timeout: precheckTime });
  const findings = findingsOnTarget(known, answers);
  stage.figure('Questions to the data before the first write', `${known.length}, ${findings.length} with a finding`);
  for (const finding of findings) {
    stage.finding(finding);
    const write = { error: 'error', warning: 'warning', note: 'notice' } as const;
    log[write[finding.severity]](`${finding.rule}: ${finding.message}`);
  }
  return findings;
}
