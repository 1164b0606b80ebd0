import { readManifest } from '../../backup/manifest.ts';
import { GuardError } from '../../errors/guard-error.ts';
import type { CatalogEntry } from '../../mongo/catalog.ts';
import { sameDigest } from '../../mongo/digest.ts';
import { pendingDocuments } from './assess-documents.ts';
import type { DefinitionPlan } from './definition-plan.ts';
import type { Observed } from './observed.ts';
import { isCapped } from './standing-catalog.ts';
import type { UndoOptions } from './contract.ts';

export interface Found {
  readonly options: UndoOptions;
  readonly observed: Observed;
  readonly catalog: readonly CatalogEntry[];
  readonly planned: DefinitionPlan;
}

/** Why what was done cannot be put back document by document; nothing when it can. Throws as the store of the backup does. */
export async function findHindrance(found: Found): Promise<string | undefined> {
  return (
    found.planned.impossible ??
    untoldDefinition(found) ??
    timeSeriesWritten(found) ??
    cappedWritten(found) ??
    (await notInBackup(found.options, found.planned))
  );
}

/** Servers before 6.0 do not tell who changed a definition, nor which collection had a name that it lost. */
function untoldDefinition({ options: { point }, observed, catalog, planned }: Found): string | undefined {
  if (observed.definitionsTold) return undefined;
  const known = new Set([point.changelog ?? 'changelog', ...point.census.collections.map(({ name }) => name)]);
  const { renames, drops, restores, dropIndexes, createIndexes, modifications, createViews } = planned;
  const [changed] = [
    ...observed.definitions.map(({ collection }) => collection),
    ...[...drops, ...restores, ...createViews].map(({ name }) => name),
    ...renames.map(({ from }) => from),
    ...[...dropIndexes, ...createIndexes, ...modifications].map(({ collection }) => collection),
    ...catalog.flatMap(({ name }) => (known.has(name) ? [] : [name])),
  ];
  return changed === undefined ? undefined : `${changed} was made or changed as a whole, and a server before 6.0 does not tell by whom`;
}

/** The buckets of a time series are in no change stream. */
function timeSeriesWritten({ observed: { record }, catalog }: Found): string | undefined {
  const series = catalog.filter(({ type }) => type === 'timeseries').map(({ name }) => name);
  const written = record.commands.find(({ collection, kind }) => kind !== 'definition' && series.includes(collection));
  return written === undefined
    ? undefined
    : `the migration wrote to the time series ${written.collection}, whose writes are not told one by one`;
}

/** In a capped collection there are no transactions, no place for what fell out of it, and an order that would not come back. */
function cappedWritten({ observed, catalog, planned }: Found): string | undefined {
  const [written] = pendingDocuments(observed, catalog.filter(isCapped), planned);
  return written === undefined
    ? undefined
    : `the migration wrote to the capped collection ${written.collection}, whose documents cannot be put back one by one`;
}

/** Collections that were dropped must be in the backup as they were at the point. */
async function notInBackup({ backup, point }: UndoOptions, { restores }: DefinitionPlan): Promise<string | undefined> {
  const [first] = restores;
  if (first === undefined) return undefined;
  if (backup === undefined) return `the migration dropped ${first.name}, and there is no backup`;
  try {
    const { collections } = await readManifest(backup.store, backup.id);
    const differing = restores.find(({ name, digest }) => {
      const held = collections.find((collection) => collection.database === point.database && collection.name === name);
      return held === undefined || digest === undefined || !sameDigest(held.digest, digest);
    });
    return differing === undefined
      ? undefined
      : `the backup ${backup.id} does not hold ${differing.name}, which the migration dropped, as at the rollback point`;
  } catch (error) {
    if (error instanceof GuardError) return `the migration dropped ${first.name}, and its backup cannot be read: ${error.message}`;
    throw error;
  }
}
