import type { Outcome, StageNotes } from '@migration-guard/shared/action/context';
import { formatDuration } from '@migration-guard/shared/report/duration';
import type { Compared, End, Fitting, Passed, Prepared, Reached, RungName } from '@migration-guard/shared/rollback/ladder';
import type { UndoConflict } from '@migration-guard/shared/rollback/undo/contract';
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

/** Documents that the migration and others changed, so that the input `conflicts` decides; of some what stands for their `_id`. */
export function presentConflicts(conflicts: readonly UndoConflict[], context: RollbackContext): void {
  context.setOutput('conflicts', [...new Set(conflicts.map(({ collection }) => collection))]);
  if (conflicts.length === 0) return;
  context.stage.table({
    title: 'Conflicts',
    columns: ['Collection', 'Documents', 'Why', 'Hashes of some _ids'],
    rows: conflicts.map(({ collection, documents, why, ids = [] }) => [collection, String(documents), why, ids.join(' ')]),
  });
}

/** Why the way led on from a rung, and what it left different. */
export function presentPassed({ rung, why, differences = [] }: Passed, stage: StageNotes): void {
  stage.finding({ severity: 'note', rule: 'rollback/rung-passed', message: `${rung} was passed by: ${why}.` });
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

/** The outcome of a proven rollback. */
export function presentReached({ rung, prepared }: Reached, { database, point }: Subject, context: RollbackContext): Outcome {
  const { proof, lost, kept, compared } = prepared.end();
  const reached = proof === 'equal-to-backup' ? 'the backup' : `the rollback point ${point.id}`;
  const apart = apartFrom(kept);
  const notRead = presentCompared(compared, context);
  context.stage.dataState(`${database} equals ${reached}: every collection, digest, index and option was compared${apart}.${notRead}`);
  if (lost.length > 0) return { result: 'warned', reason: `${database} is rolled back by ${rung}, proven; lost are ${lost.join('; ')}.` };
  return { result: 'passed', reason: `${database} is rolled back by ${rung} to ${reached}, proven by digest${apart}.` };
}

/** `, apart from …`; nothing where nobody else wrote. */
export function apartFrom(kept: End['kept']): string {
  const later = kept.map(({ collection, writes }) => `${collection} (${writes} writes)`).join(', ');
  return later === '' ? '' : `, apart from what others wrote since, which is kept: ${later}`;
}

/** Shows how much a proof has read, and returns a sentence about what it has not. Without `compared` every document was read. */
export function presentCompared(compared: Compared | undefined, context: RollbackContext): string {
  const { stage } = context;
  const partly = compared?.collections.filter(({ documents, read }) => read < documents) ?? [];
  context.setOutput('proof-extent', partly.length === 0 ? 'whole' : 'touched');
  if (compared === undefined) return '';
  const { collections, notCompared } = compared;
  if (notCompared > 0) {
    const message = `${notCompared} documents that others wrote were counted, but nobody kept what they were before: their contents are as others left them.`;
    stage.finding({ severity: 'warning', rule: 'rollback/not-compared', message });
  }
  stage.table({
    title: 'Proof',
    columns: ['Collection', 'Documents', 'Read'],
    rows: collections.map(({ collection, documents, read }) => [collection, String(documents), String(read)]),
  });
  if (partly.length === 0) return '';
  stage.nextStep('Whenever you like: `mode: plan` with `proof: whole` reads every document too, also while the application runs.');
  const names = partly.map(({ collection }) => collection).join(', ');
  return ` Of ${names} each document that was written since was read again, and the digest follows from them; the others, of which the server tells no write, were not read.`;
}
