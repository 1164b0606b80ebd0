import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { Timestamp, type MongoClient } from 'mongodb';
import { z } from 'zod';
import { defineDocument, type DocumentFormat } from '../documents/document.ts';
import { GuardError } from '../errors/guard-error.ts';
import { fromMongoError } from '../errors/mongo-errors.ts';
import type { Log } from '../log/log.ts';
import { historyKinds, type HistoryKind } from '../migration/history/history.ts';
import { timeOfText } from '../timing/cluster-time.ts';
import { censusSchema, takeCensus, type Census } from '../mongo/census.ts';
import { withoutPreImages } from './undo/plan-options.ts';
import { uuidsSwitchedOn } from './undo/pre-images.ts';

/** Where the database keeps its own rollback points; the newest one is what `latest` means. */
const pointsCollection = 'migration_rollback_points';

const pointFile = 'rollback-point.json';

const schema = z.strictObject({
  version: z.literal(1),
  id: z.string(),
  /** ISO 8601. */
  createdAt: z.string(),
  database: z.string(),
  /** `<seconds>.<increment>` of the last operation before the census; absent on a standalone server. */
  clusterTime: z.string().exactOptional(),
  /** Where the documents can be had back from. `store` is a folder or an `s3://` address. */
  backup: z.strictObject({ store: z.string(), id: z.string() }).exactOptional(),
  /** Name of the collection that records the applied migrations. */
  changelog: z.string().exactOptional(),
  /** How that collection records them; absent: as migrate-mongo does. */
  historyKind: z.enum(historyKinds).exactOptional(),
  /** File names of the migrations that were applied before, oldest first. */
  history: z.array(z.string()).readonly(),
  /** File names of the migrations that are about to be applied, in order. */
  planned: z.array(z.string()).readonly(),
  /** Collections that are no data, such as the lock of migrate-mongo: they are left out of every comparison. */
  ignored: z.array(z.string()).readonly(),
  /** With digests, without the ignored collections. */
  census: censusSchema,
});

/** The state to which a rollback returns a database, and by which it is proven. Made right before the first write of a migration. */
export type RollbackPoint = Readonly<z.infer<typeof schema>>;

export const rollbackPoint: DocumentFormat<RollbackPoint> = defineDocument('rollback point', 1, schema);

export interface PointOptions {
  readonly client: MongoClient;
  readonly database: string;
  readonly backup?: { readonly store: string; readonly id: string } | undefined;
  /** Name of the collection that records the applied migrations. */
  readonly changelog?: string;
  /** How that collection records them; default: as migrate-mongo does. */
  readonly historyKind?: HistoryKind;
  readonly history: readonly string[];
  readonly planned: readonly string[];
  /** Collections that are no data, such as the lock of migrate-mongo. */
  readonly ignore?: readonly string[];
  /** Collections of which pre-images were switched on for an undo: what they had before counts. */
  readonly switchedOn?: readonly string[];
  readonly now: () => Date;
  readonly signal?: AbortSignal | undefined;
  readonly runFolder: string;
}

export interface CreatedPoint {
  readonly point: RollbackPoint;
  /** `<runFolder>/rollback-point.json` */
  readonly file: string;
}

/**
 * Takes the census of the database at one cluster time, digests included, and keeps it as a rollback point: in the run folder for the next steps, and in the
 * database itself for a later job. Where the server cannot read at a time that is past, every write that the census may have missed comes after it.
 */
export async function createPoint(options: PointOptions): Promise<CreatedPoint> {
  const { client, database, history, planned, ignore: ignored = [] } = options;
  const createdAt = options.now().toISOString();
  const clusterTime = await lastClusterTime(client, database);
  const atClusterTime = clusterTime === undefined ? undefined : new Timestamp(timeOfText(clusterTime));
  const census = withoutOurs(
    await takeCensus(client, database, { digests: true, signal: options.signal, atClusterTime }),
    options.switchedOn,
  );
  const point: RollbackPoint = {
    version: 1,
    id: `${createdAt.replace(/[-:]|\.\d+/g, '')}-${randomUUID().slice(0, 8)}`,
    createdAt,
    database,
    ...(clusterTime === undefined ? {} : { clusterTime }),
    ...(options.backup === undefined ? {} : { backup: options.backup }),
    ...(options.changelog === undefined ? {} : { changelog: options.changelog }),
    ...(options.historyKind === undefined ? {} : { historyKind: options.historyKind }),
    history: [...history],
    planned: [...planned],
    ignored: [...ignored],
    census: withoutCollections(census, ignored),
  };
  const file = path.join(options.runFolder, pointFile);
  await rollbackPoint.write(file, point);
  await keepInDatabase(client, point);
  return { point, file };
}

export interface PointPlace {
  /** A path, `latest` for the newest point in the database, or nothing for the file that the run folder holds. */
  readonly given: string | undefined;
  readonly runFolder: string;
  /** Folder to which relative paths belong. */
  readonly workspace: string;
}

/** The file that holds the wanted point, or `latest`. */
export function locatePoint({ given, runFolder, workspace }: PointPlace): string {
  if (given === undefined) return path.join(runFolder, pointFile);
  return given === 'latest' ? given : path.resolve(workspace, given);
}

/** The newest point that `database` holds. Throws `document/not-found` and as `rollbackPoint.parse`. */
export async function latestPoint(client: MongoClient, database: string): Promise<RollbackPoint> {
  const newest = await client
    .db(database)
    .collection(pointsCollection)
    .findOne({}, { sort: { createdAt: -1, _id: -1 }, projection: { _id: 0 }, readPreference: 'primary' })
    .catch((error: unknown) => {
      throw fromMongoError(error, `Reading the newest rollback point of ${database}`);
    });
  if (newest === null) throw new GuardError('document/not-found', `The database ${database} holds no rollback point.`);
  return rollbackPoint.parse(newest, `of ${database}`);
}

/** What the database of a point holds now, with digests, as far as the point looks at it. */
export async function takeCensusFor(
  point: Pick<RollbackPoint, 'database' | 'ignored'>,
  { client, signal, log }: { readonly client: MongoClient; readonly signal?: AbortSignal | undefined; readonly log?: Log | undefined },
): Promise<Census> {
  const census = await takeCensus(client, point.database, { digests: true, signal, log });
  const uuids = await uuidsSwitchedOn(client.db(point.database));
  const switchedOn = census.collections.filter(({ uuid }) => uuid !== undefined && uuids.has(uuid)).map(({ name }) => name);
  return withoutCollections(withoutOurs(census, switchedOn), point.ignored);
}

function withoutOurs(census: Census, switchedOn: readonly string[] = []): Census {
  const collections = census.collections.map((collection) => {
    return { ...collection, options: withoutPreImages(collection.options, switchedOn.includes(collection.name)) };
  });
  return { ...census, collections };
}

function withoutCollections(census: Census, names: readonly string[]): Census {
  return { ...census, collections: census.collections.filter(({ name }) => !names.includes(name)) };
}

/** Throws `rollback/wrong-database` when the point was made of another database. */
export function requireDatabase(point: RollbackPoint, database: string): void {
  if (point.database === database) return;
  const message = `The rollback point ${point.id} was made of the database ${point.database}, not of ${database}.`;
  throw new GuardError('rollback/wrong-database', message);
}

async function keepInDatabase(client: MongoClient, point: RollbackPoint): Promise<void> {
  try {
    await client
      .db(point.database)
      .collection<{ _id: string }>(pointsCollection)
      .insertOne({ _id: point.id, ...point }, { writeConcern: { w: 'majority' } });
  } catch (error) {
    throw fromMongoError(error, `Keeping the rollback point in ${point.database}`);
  }
}

async function lastClusterTime(client: MongoClient, database: string): Promise<string | undefined> {
  try {
    const { operationTime } = await client.db(database).command({ ping: 1 });
    return operationTime === undefined ? undefined : `${operationTime.t}.${operationTime.i}`;
  } catch (error) {
    throw fromMongoError(error, 'Reading the cluster time');
  }
}
