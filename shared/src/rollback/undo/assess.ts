import { GuardError } from '../../errors/guard-error.ts';
import type { CatalogEntry } from '../../mongo/catalog.ts';
import { assessDocuments, pendingDocuments, type DocumentAssessment, type OlderStates } from './assess-documents.ts';
import type { DefinitionPlan } from './definition-plan.ts';
import { planDefinitions } from './definitions.ts';
import { findHindrance } from './hindrances.ts';
import type { DocumentHistory } from './history.ts';
import type { Observed } from './observed.ts';
import { noOlderStates, olderStatesFrom } from './older-states.ts';
import { uuidsSwitchedOn } from './pre-images.ts';
import type { UndoConflict, UndoOptions, UndoStep } from './contract.ts';
import { standingCatalog } from './standing-catalog.ts';

/** What there is to do, by all that is known now. */
export interface Assessed {
  readonly catalog: readonly CatalogEntry[];
  readonly plan: DefinitionPlan;
  readonly documents: DocumentAssessment;
  readonly conflicts: readonly UndoConflict[];
  readonly older: OlderStates;
  readonly switchedOn: ReadonlySet<string>;
}

/** Finds out what an undo takes, or why it is not possible. */
export async function assess(options: UndoOptions, observed: Observed): Promise<Assessed | string> {
  const { client, point, conflicts: choice, signal } = options;
  const db = client.db(point.database);
  const switchedOn = await uuidsSwitchedOn(db);
  const catalog = await standingCatalog(client, point, signal);
  const planned = planDefinitions({ point: point.census, now: catalog, events: observed.definitions, switchedOn });
  const hindrance = await findHindrance({ options, observed, catalog, planned });
  if (hindrance !== undefined) return hindrance;
  const made = conflictsOfMade(planned, observed, catalog);
  const dropped = conflictsOfDropped(planned, observed);
  if (choice === 'keep' && dropped[0] !== undefined)
    return `the writes of others to ${dropped[0].collection}, which the migration dropped, cannot be kept`;
  const plan = choice === 'keep' ? keeping(planned, made) : planned;
  const pending = pendingDocuments(observed, catalog, plan);
  const first = assessDocuments(observed, pending, { choice, older: noOlderStates });
  const older = first.unknown.size === 0 ? noOlderStates : await olderStates(options, observed, first.unknown);
  const documents = first.unknown.size === 0 ? first : assessDocuments(observed, pending, { choice, older });
  const [lost] = [...documents.unknown.values()];
  if (lost !== undefined)
    return `the server kept no earlier state of ${lost.length} documents, and there is no backup that holds them as at the rollback point`;
  return { catalog, plan, documents, conflicts: [...made, ...dropped, ...documents.conflicts], older, switchedOn };
}

/** Earlier states from the backup; without one, or with one that cannot be read, nothing is known. */
export async function olderStates(
  { backup, point, signal, log }: UndoOptions,
  { images }: Observed,
  wanted: ReadonlyMap<string, readonly DocumentHistory[]>,
): Promise<OlderStates> {
  if (backup === undefined || wanted.size === 0) return noOlderStates;
  try {
    return await olderStatesFrom({ backup, point: point.census, wanted, images, signal });
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
    log.warning(`Earlier states of documents are not taken from the backup ${backup.id}: ${error.message}`);
    return noOlderStates;
  }
}

/** For people, in the order in which it is done. */
export function stepsOf(plan: DefinitionPlan, { counts }: DocumentAssessment): readonly UndoStep[] {
  const step = (what: string, collection: string, documents = 0): UndoStep => ({ what, collection, documents });
  return [
    ...plan.restores.map(({ name, documents }) => step('restore from the backup', name, documents)),
    ...plan.renames.map(({ from, to }) => step(`rename back to ${to}`, from)),
    ...plan.dropIndexes.map(({ collection, name }) => step(`drop the index ${name}`, collection)),
    ...[...counts].flatMap(([collection, { back, deleted }]) => [
      ...(back > 0 ? [step('put documents back', collection, back)] : []),
      ...(deleted > 0 ? [step('delete documents', collection, deleted)] : []),
    ]),
    ...plan.createIndexes.map(({ collection, name }) => step(`build the index ${name}`, collection)),
    ...plan.drops.map(({ name }) => step('drop', name)),
    ...plan.createViews.map(({ name }) => step('make the view', name)),
    ...plan.modifications.map(({ collection, what }) => step(`change ${what} back`, collection)),
  ];
}

function writtenByOthers({ histories, author }: Observed, uuid: string): number {
  return [...histories.of(uuid)].filter((history) => histories.writtenByOthers(history, author)).length;
}

/** Collections that the migration made and others wrote to. */
function conflictsOfMade({ made }: DefinitionPlan, observed: Observed, catalog: readonly CatalogEntry[]): readonly UndoConflict[] {
  return catalog.flatMap(({ name, uuid }) => {
    const documents = uuid !== undefined && made.has(uuid) ? writtenByOthers(observed, uuid) : 0;
    return documents === 0 ? [] : [{ collection: name, documents, why: 'the migration made the collection, and others wrote to it' }];
  });
}

/** Collections that the migration dropped after others had written to them. */
function conflictsOfDropped({ restores }: DefinitionPlan, observed: Observed): readonly UndoConflict[] {
  return restores.flatMap(({ name, uuid }) => {
    const documents = writtenByOthers(observed, uuid ?? '');
    return documents === 0 ? [] : [{ collection: name, documents, why: 'others wrote to the collection before the migration dropped it' }];
  });
}

/** Collections of the migration to which others wrote stay. */
function keeping(plan: DefinitionPlan, kept: readonly UndoConflict[]): DefinitionPlan {
  return { ...plan, drops: plan.drops.filter(({ name }) => !kept.some(({ collection }) => collection === name)) };
}
