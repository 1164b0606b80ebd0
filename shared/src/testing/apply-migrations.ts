import type { Db } from 'mongodb';
import { silentLog } from '../log/log.ts';
import { openJournal, readJournal } from '../migration/journal.ts';
import { acquireLock } from '../migration/lock.ts';
import { standing } from '../migration/order.ts';
import { resumable } from '../migration/recovery.ts';
import { openProject } from '../migration/project.ts';
import { runDown, runUp } from '../migration/run.ts';
import type { RunOptions, RunResult } from '../migration/run-contract.ts';
import { settleJournal } from '../migration/settle.ts';
import type { DriverChoice } from '../migration/worker/protocol.ts';
import { workerProgram } from './migration-worker.ts';
import { sharedUri } from './mongod.ts';

/** URL of the run as which `applyMigrations` works. */
export const testRun = 'https://github.com/o/r/actions/runs/1';

export interface ApplyOptions extends Partial<RunOptions> {
  readonly direction?: 'up' | 'down';
  readonly leaseMilliseconds?: number;
  /** Server of the migrations and of `db`; default the shared one. */
  readonly uri?: string;
  readonly driver?: DriverChoice;
}

/** Everything that is pending in the checkout `folder`, under the lock, as the action does it. */
export async function applyMigrations(db: Db, folder: string, options: ApplyOptions = {}): Promise<RunResult> {
  const { log = silentLog, leaseMilliseconds = 60_000 } = options;
  const now = (): Date => new Date();
  await using lock = await acquireLock({ db, owner: testRun, purpose: 'test', log, waitMilliseconds: 60_000, leaseMilliseconds });
  await using project = await openProject({
    workspace: folder,
    folder: undefined,
    driver: options.driver ?? 'auto',
    program: workerProgram,
    env: process.env,
    log,
  });
  const { pending, applied } = standing(project.files, await project.history.read(db));
  const files = options.direction === 'down' ? project.files.filter(({ name }) => applied.includes(name)).reverse() : pending;
  if (files.length === 0) return { done: [] };
  const loaded = await project.load(files);
  const names = files.map(({ name }) => name);
  const journal = await settleJournal(await readJournal(db), { db, names, lock, run: testRun, now, log });
  const appName = `migration-guard/${db.databaseName}`;
  await project.connect({ uri: options.uri ?? sharedUri(), database: db.databaseName, appName });
  const start = options.direction === 'down' ? runDown : runUp;
  return await start({
    db,
    project,
    files,
    journal: openJournal({ db, lock, run: testRun, now }),
    lock,
    appName,
    loaded,
    resume: resumable(names, journal),
    log,
    now,
    signal: new AbortController().signal,
    ...options,
  });
}
