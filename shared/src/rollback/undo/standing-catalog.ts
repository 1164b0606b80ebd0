import type { MongoClient } from 'mongodb';
import { readCatalog, type CatalogEntry } from '../../mongo/catalog.ts';
import { parseExtendedJson } from '../../mongo/extended-json.ts';
import { isOwnCollection } from '../../mongo/own-collections.ts';
import type { RollbackPoint } from '../point.ts';

/**
 * What the database of a point holds now, as far as the point looks at it. A collection of the point counts also under the name that an undo gives
 * it while names change places. Throws as `fromMongoError`.
 */
export async function standingCatalog(client: MongoClient, point: RollbackPoint, signal: AbortSignal): Promise<readonly CatalogEntry[]> {
  const uuids = new Set(point.census.collections.flatMap(({ uuid }) => uuid ?? []));
  const all = await readCatalog(client, point.database, { signal });
  return all.filter(
    ({ name, uuid }) => (uuid !== undefined && uuids.has(uuid)) || (!isOwnCollection(name) && !point.ignored.includes(name)),
  );
}

export function isCapped({ options }: Pick<CatalogEntry, 'options'>): boolean {
  return parseExtendedJson(options).get('capped') === true;
}
