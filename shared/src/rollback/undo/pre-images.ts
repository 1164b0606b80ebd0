import type { Db } from 'mongodb';
import { fromMongoError, serverCode } from '../../errors/mongo-errors.ts';
import type { Log } from '../../log/log.ts';
import { readCatalog } from '../../mongo/catalog.ts';
import { parseExtendedJson } from '../../mongo/extended-json.ts';
import { isOwnCollection } from '../../mongo/own-collections.ts';

/** Where it is written down which pre-images were switched on, so that whoever comes next can switch them off. */
const settingsCollection = 'migration_writes';
const settingsId = 'pre-images';

interface Settings {
  readonly _id: typeof settingsId;
  /** UUIDs (32 hex digits) of the collections that had none before. */
  readonly uuids: readonly string[];
}

export interface SwitchOptions {
  readonly db: Db;
  /** Names; default: all. */
  readonly collections?: readonly string[] | undefined;
  readonly log: Log;
}

export interface SwitchedOn {
  /** Names of the collections that keep earlier states of documents now and did not before. */
  readonly collections: readonly string[];
  /** Why there are none, when there are none. */
  readonly why?: string;
}

/**
 * Lets the server keep the earlier states of documents in the collections, which `switchOffPreImages` ends, also after a kill. Servers before
 * 6.0, standalone servers and users without `collMod` have no such thing: that is told, not thrown.
 */
export async function switchOnPreImages({ db, collections, log }: SwitchOptions): Promise<SwitchedOn> {
  const hello = await db.command({ hello: 1 });
  if (hello['setName'] === undefined && hello['msg'] !== 'isdbgrid') return { collections: [], why: 'a standalone server keeps none' };
  const wanted = (await readCatalog(db.client, db.databaseName)).filter(
    ({ name, type, options }) =>
      type === 'collection' &&
      !isOwnCollection(name) &&
      collections?.includes(name) !== false &&
      !options.includes('changeStreamPreAndPostImages'),
  );
  const switched: string[] = [];
  try {
    // Written down first: what is listed and still off is harmless.
    await settings(db).updateOne(
      { _id: settingsId },
      { $addToSet: { uuids: { $each: wanted.flatMap(({ uuid }) => uuid ?? []) } } },
      { upsert: true, writeConcern: { w: 'majority' } },
    );
    for (const { name } of wanted) {
      await db.command({ collMod: name, changeStreamPreAndPostImages: { enabled: true } });
      switched.push(name);
    }
    return { collections: switched };
  } catch (error) {
    const why = fromMongoError(error, 'Switching pre-images on').message;
    log.warning(`${why} An undo takes earlier states of documents from the backup.`);
    return { collections: switched, why };
  }
}

/** Switches off what `switchOnPreImages` switched on, whoever it was. Tells the names. Earlier states that are kept already stay readable. */
export async function switchOffPreImages(db: Db): Promise<readonly string[]> {
  const switched: string[] = [];
  try {
    const uuids = await uuidsSwitchedOn(db);
    if (uuids.size === 0) return [];
    for (const { name, uuid, options } of await readCatalog(db.client, db.databaseName)) {
      if (uuid === undefined || !uuids.has(uuid) || !parseExtendedJson(options).has('changeStreamPreAndPostImages')) continue;
      await db.command({ collMod: name, changeStreamPreAndPostImages: { enabled: false } }).catch(unlessGone);
      switched.push(name);
    }
    await settings(db).deleteOne({ _id: settingsId }, { writeConcern: { w: 'majority' } });
    return switched;
  } catch (error) {
    throw fromMongoError(error, `Switching pre-images of ${db.databaseName} off`);
  }
}

/** UUIDs of the collections of which the server keeps earlier states only because `switchOnPreImages` asked for it. */
export async function uuidsSwitchedOn(db: Db): Promise<ReadonlySet<string>> {
  const found = await settings(db).findOne({ _id: settingsId }, { readPreference: 'primary' });
  return new Set(found?.uuids ?? []);
}

function unlessGone(error: unknown): void {
  if (serverCode(error) !== 26) throw error;
}

function settings(db: Db): ReturnType<typeof db.collection<Settings>> {
  return db.collection<Settings>(settingsCollection);
}
