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
import { runReport, type Stage } from '@migration-guard/shared/report/run-report';
import { startJob, type Job, type StepOptions, type StepResult } from '@migration-guard/shared/testing/action-runner';
import { connectShared, sharedUri, uniqueDatabase } from '@migration-guard/shared/testing/mongod';
import { truthOf, type Truth } from '@migration-guard/shared/testing/truth';
import type { Db } from 'mongodb';

/** A database with a shop in it, a job in which the action runs, and what is needed to come back. */
export interface Shop extends AsyncDisposable {
  readonly connection: Connection;
  readonly database: string;
  readonly db: Db;
  readonly uri: string;
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
  const uri = options.uri ?? sharedUri();
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
    uri,
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
      const all = { mode, uri, database, 'rollback-point': point, ...inputs };
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
  const up = `await db.collection('orders').updateMany({}, { $inc: { total: 1 } });`;
  const effects = { ...noEffects, collections: { orders: { inserted: 0, modified: 90, deleted: 0 } } };
  const hash = await writeMigration(shop, { up, down });
  await asMigration(shop.db, async () => void (await shop.db.collection('orders').updateMany({}, { $inc: { total: 1 } })), {
    hash,
    effects,
  });
}

/** The migration whose `up` changes nothing. */
export async function changeNothing(shop: Shop, down: string): Promise<void> {
  const hash = await writeMigration(shop, { up: '', down });
  await asMigration(shop.db, () => Promise.resolve(), { hash, effects: noEffects });
}

/** Writes the file of a migration from the bodies of its functions, and returns its hash. */
async function writeMigration({ job }: Shop, { up, down }: { readonly up: string; readonly down: string | undefined }): Promise<string> {
  const folder = path.join(job.workspace, 'migrations');
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(job.workspace, 'package.json'), '{"type":"module"}');
  const functions = Object.entries({ up, down }).filter(([, body]) => body !== undefined);
  const source = functions.map(([name, body]) => `export async function ${name}(db) {\n${body}\n}\n`).join('');
  await writeFile(path.join(folder, '2.js'), source);
  return createHash('sha256').update(source).digest('hex');
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

/** Applies a migration whose `up` is `body` with the real action-migrate, which records what it writes. */
export async function migrate(shop: Shop, up: string): Promise<StepResult> {
  await writeMigration(shop, { up, down: undefined });
  await writeFile(path.join(shop.job.workspace, 'guard.yml'), 'migrate: { lint: false }\n');
  const inputs = { mode: 'apply', config: 'guard.yml', uri: shop.uri, database: shop.database, store: shop.store };
  return shop.job.run('migrate', { inputs });
}

/** What the run report says about the step that ran last. */
export async function stageOf({ outputs }: StepResult): Promise<Stage> {
  const stage = (await runReport.read(outputs['run-report'] ?? '')).stages.at(-1);
  if (stage === undefined) throw new Error('The run report has no stage.');
  return stage;
}

/** What each rung that was passed by says about itself. */
export async function passedBy(result: StepResult): Promise<readonly string[]> {
  return (await stageOf(result)).findings.filter(({ rule }) => rule === 'rollback/rung-passed').map(({ message }) => message);
}

/** The lease of a killed run ends by itself after a minute. */
export async function endLease({ db }: Shop): Promise<void> {
  await db.collection('migration_lock').updateMany({}, { $set: { expiresAt: new Date(0) } });
}

/** Locks that are held. */
export const held = { $expr: { $gt: ['$expiresAt', '$$NOW'] } };

/** A command for the shell that writes `word` at the end of a file of the workspace. */
export async function hookFile(job: Job): Promise<string> {
  const file = path.join(job.workspace, 'hooks');
  await writeFile(file, '');
  return file;
}
