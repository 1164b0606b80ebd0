import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createBackup } from '@migration-guard/shared/backup/create';
import { recordProof } from '@migration-guard/shared/backup/proof';
import { directoryStore } from '@migration-guard/shared/backup/stores/directory';
import { silentLog } from '@migration-guard/shared/log/log';
import { noEffects, type Effects } from '@migration-guard/shared/migration/effects';
import type { Connection } from '@migration-guard/shared/mongo/connect';
import { createPoint } from '@migration-guard/shared/rollback/point';
import { startJob, type Job, type StepOptions, type StepResult } from '@migration-guard/shared/testing/action-runner';
import { connectShared, sharedUri, uniqueDatabase } from '@migration-guard/shared/testing/mongod';
import { truthOf, type Truth } from '@migration-guard/shared/testing/truth';
import type { Db } from 'mongodb';

/** A database with a shop in it, a job in which the action runs, and what is needed to come back. */
export interface Shop extends AsyncDisposable {
  readonly connection: Connection;
  readonly database: string;
  readonly db: Db;
  readonly job: Job;
  readonly store: string;
  /** Path of the rollback point. */
  readonly point: string;
  truth(): Promise<Truth>;
  backUp(): Promise<string>;
  /** Takes the rollback point, with the given backup. */
  mark(backupId: string | undefined): Promise<void>;
  rollback(mode: string, inputs?: Readonly<Record<string, string>>, options?: Omit<StepOptions, 'inputs'>): Promise<StepResult>;
}

export interface ShopOptions {
  readonly connection?: Connection;
  readonly uri?: string;
  /** Fills the database; default: orders, users, an empty collection, a view, indexes, a validator and a changelog. */
  readonly fill?: (db: Db) => Promise<void>;
}

export async function openShop(options: ShopOptions = {}): Promise<Shop> {
  const connection = options.connection ?? (await connectShared());
  const database = uniqueDatabase('rollback');
  const db = connection.client.db(database);
  await (options.fill ?? fillShop)(db);
  const job = await startJob();
  const store = path.join(job.workspace, 'backups');
  const point = path.join(job.temp, 'rollback-point.json');
  const { client } = connection;
  return {
    connection,
    database,
    db,
    job,
    store,
    point,
    truth: () => truthOf(db),
    async backUp() {
      const selection = { databases: [database], include: [], exclude: [] };
      const { id, digest } = await createBackup({ connection, store: directoryStore(store), selection, log: silentLog });
      await recordProof(directoryStore(store), id, { kind: 'read', at: new Date(), digest });
      return id;
    },
    async mark(backupId) {
      const backup = backupId === undefined ? undefined : { store, id: backupId };
      const now = (): Date => new Date();
      await createPoint({
        client,
        database,
        backup,
        changelog: 'changelog',
        history: ['1.js'],
        planned: ['2.js'],
        now,
        runFolder: job.temp,
      });
    },
    rollback: (mode, inputs = {}, more = {}) => {
      const all = { mode, uri: options.uri ?? sharedUri(), database, 'rollback-point': point, ...inputs };
      return job.run('rollback', { inputs: all, ...more });
    },
    async [Symbol.asyncDispose]() {
      await db.dropDatabase();
      if (options.connection === undefined) await client.close();
      await job[Symbol.asyncDispose]();
    },
  };
}

interface Numbered {
  readonly _id: number;
  readonly [field: string]: unknown;
}

async function fillShop(db: Db): Promise<void> {
  const orders = Array.from({ length: 90 }, (_, _id) => ({ _id, total: _id, status: 'open' }));
  await db.collection<Numbered>('orders').insertMany(orders);
  await db.collection('orders').createIndex({ status: 1, total: -1 });
  await db.createCollection('users', { validator: { $jsonSchema: { required: ['name'] } } });
  await db.collection<Numbered>('users').insertMany([
    { _id: 1, name: 'Ada' },
    { _id: 2, name: 'Grace' },
  ]);
  await db.createCollection('empty');
  await db.createCollection('open_orders', { viewOn: 'orders', pipeline: [{ $match: { status: 'open' } }] });
  await db.collection('untouched').insertOne({ kept: true });
  await db.collection('changelog').insertOne({ fileName: '1.js', appliedAt: new Date(0), migrationBlock: 0 });
}

/** What the journal says about a migration beside its states. */
export interface Ran {
  /** SHA-256 of the file. */
  readonly hash?: string;
  /** Absent: nobody knows how many documents it changed. */
  readonly effects?: Effects;
}

/** Does something as a migration does it: between its entries in the journal. */
export async function asMigration(db: Db, body: () => Promise<void>, ran: Ran = {}): Promise<void> {
  const entry = { file: '2.js', run: 'https://example.org/run', fence: 0, ...ran };
  const journal = db.collection('migration_journal');
  await journal.insertOne({ ...entry, state: 'STARTED', at: new Date(), step: 1 });
  await body();
  await db.collection('changelog').insertOne({ fileName: '2.js', appliedAt: new Date(), migrationBlock: 1 });
  await journal.insertOne({ ...entry, state: 'APPLIED', at: new Date(), step: 2 });
}

/** The migration that raises every total, as its `up` leaves it; `down` is the body of the file's `down`. */
export async function raiseTotals(shop: Shop, down: string | undefined): Promise<void> {
  const exported = down === undefined ? '' : `export async function down(db) { ${down} }\n`;
  const source = `export async function up(db) { await db.collection('orders').updateMany({}, { $inc: { total: 1 } }); }\n${exported}`;
  const folder = path.join(shop.job.workspace, 'migrations');
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, '2.js'), source);
  await writeFile(path.join(shop.job.workspace, 'package.json'), '{"type":"module"}');
  const up = async (): Promise<void> => void (await shop.db.collection('orders').updateMany({}, { $inc: { total: 1 } }));
  const effects = { ...noEffects, collections: { orders: { inserted: 0, modified: 90, deleted: 0 } } };
  await asMigration(shop.db, up, { hash: createHash('sha256').update(source).digest('hex'), effects });
}

/** What a bad migration does: changes, deletes, inserts, drops, renames, creates, and all the kinds of definitions. */
export function migrateBadly(db: Db): Promise<void> {
  return asMigration(db, () => writeBadly(db));
}

async function writeBadly(db: Db): Promise<void> {
  const orders = db.collection<Numbered>('orders');
  await orders.deleteMany({ _id: { $mod: [3, 0] } });
  await orders.updateMany({ _id: { $lt: 20 } }, { $set: { total: 0 }, $unset: { status: '' } });
  await orders.insertOne({ _id: 1_000, total: 1 });
  await orders.dropIndex('status_1_total_-1');
  await orders.createIndex({ total: 1 }, { unique: false, name: 'new_index' });
  await db.command({ collMod: 'users', validator: {} });
  await db.collection('empty').drop();
  await db.command({ collMod: 'open_orders', viewOn: 'orders', pipeline: [] });
  await db.collection('created').insertOne({ by: 'the migration' });
  await db.createCollection('created_view', { viewOn: 'created', pipeline: [] });
}

/** A command for the shell that writes `word` at the end of a file of the workspace. */
export async function hookFile(job: Job): Promise<string> {
  const file = path.join(job.workspace, 'hooks');
  await writeFile(file, '');
  return file;
}
