import type { Outcome } from '@migration-guard/shared/action/context';
import type { DoneCommand } from '@migration-guard/shared/migration/commands/run-commands';
import { changedNothing, describeEffects } from '@migration-guard/shared/migration/effects';
import { seconds } from '@migration-guard/shared/migration/run';
import type { DoneFile, RunResult } from '@migration-guard/shared/migration/run-contract';
import type { CreatedPoint } from '@migration-guard/shared/rollback/point';
import type { Performed } from './apply/perform.ts';
import type { Admitted } from './apply/work.ts';
import type { MigrateContext } from './contract.ts';
import type { Decision } from './decide.ts';

export interface Ended {
  readonly context: MigrateContext;
  readonly database: string;
  readonly admitted: Admitted;
  readonly point: CreatedPoint;
  readonly performed: Performed;
}

/** Tells the report how the run ended, and throws what ended it. */
export function concludeApply(ended: Ended): Outcome {
  const { context, database, admitted, point, performed } = ended;
  const { stage } = context;
  const { files, commands, seeds, failure } = performed;
  const findings = [...admitted.decision.findings, ...[...files.done, ...seeds.done].flatMap(findingsOf)];
  for (const finding of findings) stage.finding(finding);
  context.setOutput('findings', findings.length + admitted.checked);
  const counts = countsOf(ended);
  stage.figure('Applied', files.done.length + admitted.finished.length);
  stage.table({
    title: 'Migrations',
    columns: ['File', 'Result', 'Time', 'Changes'],
    rows: [...rowsOf(files), ...commandRows(performed), ...rowsOf(seeds)],
  });
  for (const command of [...commands.done, ...(commands.failure === undefined ? [] : [commands.failure])]) tellOutput(command, context);
  if (failure === undefined) {
    stage.dataState(`${allOf(counts)} applied to ${database}.`);
    stage.nextStep('Verify the database (action-verify) with the rollback point of this step.');
    const warned = findings.some(({ severity }) => severity === 'warning');
    return { result: warned ? 'warned' : 'passed', reason: `${someOf(counts)} were applied to ${database}.` };
  }
  stage.dataState(`${someOf(counts)} are applied to ${database}${partOf(performed)}. The lock is free.`);
  stage.nextStep(`Run action-rollback with rollback-point ${point.file}, or ${repairOf(performed)}.`);
  throw failure.error;
}

interface Count {
  readonly one: string;
  readonly many: string;
  readonly done: number;
  readonly total: number;
}

/** Migrations always, commands and seeds where there are any. */
function countsOf({ admitted, performed }: Ended): readonly Count[] {
  const { commands, seeds, files } = performed;
  const counts = [
    {
      one: 'migration',
      many: 'migrations',
      done: files.done.length + admitted.finished.length,
      total: admitted.decision.selected.length,
    },
    { one: 'command', many: 'commands', done: commands.done.length, total: admitted.commands.length },
    { one: 'seed', many: 'seeds', done: seeds.done.length, total: admitted.seeds.length },
  ];
  return counts.filter(({ total }, index) => total > 0 || (index === 0 && admitted.commands.length + admitted.seeds.length === 0));
}

function allOf(counts: readonly Count[]): string {
  const [only] = counts;
  if (counts.length === 1 && only?.total === 1) return `The ${only.one} is`;
  return `All ${counts.map(({ one, many, total }) => `${total} ${total === 1 ? one : many}`).join(' and ')} are`;
}

function someOf(counts: readonly Count[]): string {
  return counts.map(({ many, done, total }) => `${done} of ${total} ${many}`).join(', ');
}

function rowsOf({ done, failure }: RunResult): readonly string[][] {
  const applied = done.map(({ name, milliseconds, effects }) => [name, 'applied', seconds(milliseconds), describeEffects(effects)]);
  if (failure?.file === undefined) return applied;
  return [...applied, [failure.file, 'failed', '', failure.effects === undefined ? '' : describeEffects(failure.effects)]];
}

function commandRows({ commands: { done, failure } }: Performed): readonly string[][] {
  const row = ({ name, milliseconds, changes }: DoneCommand, result: string): string[] => [name, result, seconds(milliseconds), changes];
  return [...done.map((command) => row(command, 'applied')), ...(failure === undefined ? [] : [row(failure, 'failed')])];
}

function tellOutput({ name, output }: DoneCommand, { stage }: MigrateContext): void {
  if (output.length > 0) stage.table({ title: `Last lines of ${name}`, columns: ['Output'], rows: output.map((line) => [line]) });
}

/** What is known of the step at which the run ended. */
function partOf({ failure, commands }: Performed): string {
  if (failure?.file === undefined) return '';
  const { file, effects } = failure;
  if (commands.failure !== undefined) return `; how much of ${file} is done is not known (${commands.failure.changes})`;
  if (effects === undefined) return `; how much of ${file} is done is not known`;
  return changedNothing(effects) ? `; ${file} changed nothing before it ended` : `; ${file} is half-done (${describeEffects(effects)})`;
}

function repairOf({ failure, commands }: Performed): string {
  if (commands.failure !== undefined) return `settle what it left, and run apply again with \`retry: ${commands.failure.name}\``;
  return `correct ${failure?.file ?? 'the cause'} and run apply again`;
}

function findingsOf({ name, warnings, effects }: DoneFile): Decision['findings'] {
  return [
    ...warnings.map((message) => ({ severity: 'warning' as const, rule: 'migration/warning', message: `${name}: ${message}` })),
    ...(changedNothing(effects)
      ? [{ severity: 'note' as const, rule: 'migration/changed-nothing', message: `${name}: applied, 0 documents changed.` }]
      : []),
  ];
}
