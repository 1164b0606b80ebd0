// The command `migrate-mongo` over our engine, as thin as can be, so that migrate-mongo's own integration suite can judge it. What is
// not about migrating (init, create, help, version) is left to migrate-mongo itself.
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { MongoClient, type Db } from 'mongodb';
import { silentLog } from '../../shared/src/log/log.ts';
import type { AppliedMigration } from '../../shared/src/migration/history/history.ts';
import { openJournal } from '../../shared/src/migration/journal.ts';
import { acquireLock } from '../../shared/src/migration/lock.ts';
import { standing } from '../../shared/src/migration/order.ts';
import { openProject, type Project } from '../../shared/src/migration/project.ts';
import { runDown, runUp } from '../../shared/src/migration/run.ts';
import { workerProgram } from '../../shared/src/testing/migration-worker.ts';

interface Config {
  readonly mongodb: { readonly url: string; readonly databaseName?: string };
}

interface Target {
  readonly uri: string;
  readonly db: Db;
}

const options = {
  file: { type: 'string', short: 'f' },
  'migrations-dir': { type: 'string' },
  block: { type: 'boolean', short: 'b' },
} as const;

const [command] = process.argv.slice(2);
if ((command === 'up' || command === 'down' || command === 'status') && !process.argv.includes('-h')) await main(command);
else await import(pathToFileURL(path.resolve(fileURLToPath(import.meta.resolve('migrate-mongo')), '../../bin/migrate-mongo.js')).href);

async function main(wanted: 'up' | 'down' | 'status'): Promise<void> {
  const { values } = parseArgs({ args: process.argv.slice(3), options });
  const configFile = path.resolve(values.file ?? 'migrate-mongo-config.js');
  const folder = values['migrations-dir'];
  try {
    await using project = await openProject({
      workspace: process.cwd(),
      folder: folder === undefined ? undefined : path.resolve(folder),
      configFile,
      driver: 'auto',
      program: workerProgram,
      env: process.env,
      log: silentLog,
    });
    const { url, databaseName } = await settingsOf(configFile);
    await using client = await MongoClient.connect(url, { serverSelectionTimeoutMS: 5_000 });
    const target = { uri: url, db: client.db(databaseName) };
    if (wanted === 'status') await status(project, target);
    else await migrate(project, target, { down: wanted === 'down', block: values.block === true });
  } catch (error) {
    const { message, stack } = error as Error;
    console.error(`ERROR: ${message}`, stack);
    process.exitCode = 1;
  }
}

/** The address is no business of the engine: the action gets it as an input. */
async function settingsOf(file: string): Promise<{ readonly url: string; readonly databaseName: string | undefined }> {
  const loaded = (await import(pathToFileURL(file).href)) as { readonly default: Config | Promise<Config> };
  const { url, databaseName } = (await loaded.default).mongodb;
  return { url, databaseName };
}

async function status({ files, history, config }: Project, { db }: Target): Promise<void> {
  const known = await history.read(db);
  const { pending } = standing(files, known, { runEdited: config.useFileHash === true });
  for (const file of files) {
    const record = pending.includes(file) ? undefined : known.find(({ fileName }) => fileName === file.name);
    console.log([file.name, record?.appliedAt.toJSON() ?? 'PENDING', record?.migrationBlock ?? ''].join('  '));
  }
}

async function migrate(
  project: Project,
  { uri, db }: Target,
  { down, block }: { readonly down: boolean; readonly block: boolean },
): Promise<void> {
  await using lock = await acquireLock({
    db,
    owner: 'tests/migrate-mongo',
    purpose: down ? 'down' : 'up',
    log: silentLog,
    waitMilliseconds: 60_000,
  });
  const known = await project.history.read(db);
  const files = down
    ? toTakeBack(project, known, block)
    : standing(project.files, known, { runEdited: project.config.useFileHash === true }).pending;
  if (files.length === 0) return;
  const appName = 'tests/migrate-mongo';
  const loaded = await project.load(files);
  await project.connect({ uri, database: db.databaseName, appName });
  const { done, failure } = await (down ? runDown : runUp)({
    db,
    project,
    files,
    loaded,
    journal: openJournal({ db, lock, run: appName, now: () => new Date() }),
    lock,
    appName,
    log: silentLog,
    now: () => new Date(),
    signal: new AbortController().signal,
  });
  for (const { name } of done) console.log(`MIGRATED ${down ? 'DOWN' : 'UP'}: ${name}`);
  if (failure !== undefined) throw failure.error;
}

/** The last one by time, or all of its block, the newest first. */
function toTakeBack({ files }: Project, known: readonly AppliedMigration[], block: boolean): Project['files'] {
  const applied = known.filter(({ fileName }) => files.some(({ name }) => name === fileName)).toReversed();
  const [last] = applied;
  const taken = applied.filter(
    (record) => record === last || (block && record.migrationBlock !== undefined && record.migrationBlock === last?.migrationBlock),
  );
  return taken.flatMap(({ fileName }) => files.filter(({ name }) => name === fileName));
}
