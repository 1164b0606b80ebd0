import type { Outcome, StageNotes } from '@migration-guard/shared/action/context';
import type { CensusDifference } from '@migration-guard/shared/checks/compare-census';
import { formatDuration } from '@migration-guard/shared/report/duration';
import type { End, Fitting, Prepared, Reached, RungName } from '@migration-guard/shared/rollback/ladder';
import type { RollbackContext } from './contract.ts';
import type { Subject } from './subject.ts';

/** What one rung found out about itself. */
export interface Looked {
  readonly rung: RungName;
  readonly prepared: Prepared;
}

/** The ladder as a table: which rung is taken and why, what the others would do. */
export function presentLadder(looked: readonly Looked[], chosen: RungName | undefined, { stage }: Pick<RollbackContext, 'stage'>): void {
  stage.table({
    title: 'Ladder',
    columns: ['Rung', 'Taken', 'Why', 'About', 'Could be lost'],
    rows: looked.map(({ rung, prepared }) => [
      rung,
      rung === chosen ? 'yes' : prepared.fits ? 'if those before fail' : 'no',
      prepared.why,
      prepared.fits && prepared.milliseconds !== undefined ? formatDuration(prepared.milliseconds) : '',
      prepared.fits ? prepared.losses.join('; ') : '',
    ]),
  });
}

/** What a rung does, and what could be lost by it. */
export function presentSteps(rung: RungName, { steps, losses, milliseconds }: Fitting, context: RollbackContext): void {
  const { stage, log } = context;
  context.setOutput('rung', rung);
  const time = milliseconds === undefined ? '' : `, about ${formatDuration(milliseconds)}`;
  log.info(`Rung ${rung}: ${steps.length} steps${time}.`);
  for (const { what, collection, why } of steps) log.info(`${what} ${collection}: ${why}`);
  stage.table({
    title: `Steps of ${rung}`,
    columns: ['Step', 'Of', 'Documents', 'Why'],
    rows: steps.map(({ what, collection, documents, why }) => [what, collection, String(documents), why]),
  });
  for (const loss of losses) {
    stage.finding({ severity: 'warning', rule: 'rollback/could-be-lost', message: `Could be lost by ${rung}: ${loss}.` });
  }
}

/** What a rung left different. */
export function presentDifferences(rung: RungName, differences: readonly CensusDifference[], stage: StageNotes): void {
  if (differences.length === 0) return;
  stage.table({
    title: `What differed after ${rung}`,
    columns: ['Collection', 'What', 'Wanted', 'Found'],
    rows: differences.map(({ collection, what, before, after }) => [collection, what, before, after]),
  });
}

export function proofOf({ prepared }: Reached): End['proof'] {
  return prepared.end().proof;
}

/** The outcome of a proven rollback, with the rungs that were passed by. */
export function presentReached({ rung, prepared, passed }: Reached, { database, point }: Subject, { stage }: RollbackContext): Outcome {
  for (const { rung: name, why } of passed) {
    stage.finding({ severity: 'note', rule: 'rollback/rung-passed', message: `${name} was passed by: ${why}.` });
  }
  const { proof, lost, kept } = prepared.end();
  const later = kept.map(({ collection, writes }) => `${collection} (${writes} writes)`).join(', ');
  const apart = later === '' ? '' : `, apart from what others wrote since, which is kept: ${later}`;
  const reached = proof === 'equal-to-backup' ? 'the backup' : `the rollback point ${point.id}`;
  stage.dataState(`${database} equals ${reached}: every collection, digest, index and option was compared${apart}.`);
  if (lost.length > 0) return { result: 'warned', reason: `${database} is rolled back by ${rung}, proven; lost are ${lost.join('; ')}.` };
  return { result: 'passed', reason: `${database} is rolled back by ${rung} to ${reached}, proven by digest${apart}.` };
}
