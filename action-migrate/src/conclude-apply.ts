import type { Outcome } from '@migration-guard/shared/action/context';
import { changedNothing, describeEffects } from '@migration-guard/shared/migration/effects';
import { seconds, type DoneFile, type RunResult } from '@migration-guard/shared/migration/run';
import type { CreatedPoint } from '@migration-guard/shared/rollback/point';
import type { MigrateContext } from './contract.ts';
import type { Decision } from './decide.ts';

export interface Ended {
  readonly context: MigrateContext;
  readonly database: string;
  readonly result: RunResult;
  readonly point: CreatedPoint;
  readonly decision: Decision;
  readonly recorded: number;
  /** Number of findings of the lint rules and about drift: they are told already, and do not decide how the run ended. */
  readonly checked: number;
}

/** Tells the report how the run ended, and throws what ended it. */
export function concludeApply({ context, database, result, point, decision, recorded, checked }: Ended): Outcome {
  const { stage } = context;
  const total = decision.selected.length;
  const applied = result.done.length + recorded;
  const findings = [...decision.findings, ...result.done.flatMap(findingsOf)];
  for (const finding of findings) stage.finding(finding);
  context.setOutput('findings', findings.length + checked);
  stage.figure('Applied', applied);
  stage.table({
    title: 'Migrations',
    columns: ['File', 'Result', 'Time', 'Changes'],
    rows: [
      ...result.done.map(({ name, milliseconds, effects }) => [name, 'applied', seconds(milliseconds), describeEffects(effects)]),
      ...(result.failure?.file === undefined
        ? []
        : [[result.failure.file, 'failed', '', result.failure.effects === undefined ? '' : describeEffects(result.failure.effects)]]),
    ],
  });
  if (result.failure === undefined) {
    stage.dataState(`${total === 1 ? 'The migration is' : `All ${total} migrations are`} applied to ${database}.`);
    stage.nextStep('Verify the database (action-verify) with the rollback point of this step.');
    const warned = findings.some(({ severity }) => severity === 'warning');
    return { result: warned ? 'warned' : 'passed', reason: `${applied} of ${total} migrations were applied to ${database}.` };
  }
  const { file, error } = result.failure;
  stage.dataState(`${applied} of ${total} migrations are applied to ${database}${partOf(result.failure)}. The lock is free.`);
  stage.nextStep(`Run action-rollback with rollback-point ${point.file}, or correct ${file ?? 'the cause'} and run apply again.`);
  throw error;
}

/** What is known of the file at which the run ended. */
function partOf({ file, effects }: NonNullable<RunResult['failure']>): string {
  if (file === undefined) return '';
  if (effects === undefined) return `; how much of ${file} is done is not known`;
  return changedNothing(effects) ? `; ${file} changed nothing before it ended` : `; ${file} is half-done (${describeEffects(effects)})`;
}

function findingsOf({ name, warnings, effects }: DoneFile): Decision['findings'] {
  return [
    ...warnings.map((message) => ({ severity: 'warning' as const, rule: 'migration/warning', message: `${name}: ${message}` })),
    ...(changedNothing(effects)
      ? [{ severity: 'note' as const, rule: 'migration/changed-nothing', message: `${name}: applied, 0 documents changed.` }]
      : []),
  ];
}
