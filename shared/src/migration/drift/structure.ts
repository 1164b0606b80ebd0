import type { Db } from 'mongodb';
import { z } from 'zod';
import { readCatalog } from '../../mongo/catalog.ts';
import { parseExtendedJson, toExtendedJson, toRaw } from '../../mongo/extended-json.ts';
import { isOwnCollection } from '../../mongo/own-collections.ts';

/** Where the structure that the last run left is kept, in the target. */
const structureCollection = 'migration_structure';

const collectionSchema = z.object({
  name: z.string(),
  type: z.enum(['collection', 'view', 'timeseries']),
  /** Canonical Extended JSON with the keys of the outermost level sorted. */
  options: z.string(),
  /** The same of each index, sorted. */
  indexes: z.array(z.string()),
});

const structureSchema = z.object({
  _id: z.literal('last'),
  version: z.literal(1),
  takenAt: z.date(),
  /** URL of the run that left it. */
  run: z.string(),
  collections: z.array(collectionSchema),
});

/** What a database is made of beside its documents. */
export type CollectionStructure = z.infer<typeof collectionSchema>;
export type LeftStructure = Omit<z.infer<typeof structureSchema>, '_id' | 'version'>;

/** The structure as it is now, without our own collections. Throws the errors of `fromMongoError`. */
export async function readStructure(db: Db, signal?: AbortSignal): Promise<readonly CollectionStructure[]> {
  const catalog = await readCatalog(db.client, db.databaseName, { signal });
  return catalog
    .filter(({ name }) => !isOwnCollection(name))
    .map(({ name, type, options, indexes }) => ({ name, type, options: sorted(options), indexes: indexes.map(sorted).sort() }));
}

/** The order of keys at the top means nothing, and differs between servers. `v` and `ns` of an index are the server's business. */
function sorted(definition: string): string {
  const members = [...parseExtendedJson(definition)].filter(
    ([key]) => key !== 'v' && key !== 'ns' && key !== 'changeStreamPreAndPostImages',
  );
  return toExtendedJson(toRaw(new Map(members.sort(([a], [b]) => (a < b ? -1 : 1)))));
}

export interface Keep {
  readonly run: string;
  readonly now: Date;
}

/** Remembers the structure that this run leaves; the next one compares with it. */
export async function keepStructure(db: Db, { run, now }: Keep): Promise<void> {
  const collections = [...(await readStructure(db))];
  const left = { version: 1, takenAt: now, run, collections } as const;
  await db
    .collection<{ _id: 'last' }>(structureCollection)
    .replaceOne({ _id: 'last' }, left, { upsert: true, writeConcern: { w: 'majority' } });
}

/** The structure that the last run left, or `undefined` when none has kept it, or a newer version of this tool has. */
export async function leftStructure(db: Db): Promise<LeftStructure | undefined> {
  const found = structureSchema.safeParse(await db.collection<{ _id: 'last' }>(structureCollection).findOne({ _id: 'last' }));
  return found.success ? found.data : undefined;
}
