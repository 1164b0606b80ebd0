import type { Db } from 'mongodb';
import { silentLog } from '../log/log.ts';
import { openJournal } from '../migration/journal.ts';
import { acquireLock } from '../migration/lock.ts';
import { openProject } from '../migration/project.ts';
import { Secret } from '../redaction/secret.ts';
import { fencePolicy, type FenceSettings } from '../rehearsal/fence-policy.ts';
import { rehearse } from '../rehearsal/rehearse.ts';
import type { Rehearsal, RehearsalOptions } from '../rehearsal/room.ts';
import { makeCheckout } from './checkout.ts';
import { workerProgram } from './migration-worker.ts';

const nothingMore: FenceSettings = { mapHosts: [], mapDatabases: [], allowHosts: [], allowPrograms: [] };

/** Rehearses files on a database as if it were the copy, which they change. */
export async function rehearseOn(
  db: Db,
  {
    uri,
    files,
    ...options
  }: { readonly uri: string; readonly files: Readonly<Record<string, string>> } & Partial<Omit<RehearsalOptions, 'files'>>,
): Promise<Rehearsal> {
  const owner = 'https://github.com/o/r/actions/runs/1';
  const appName = `migration-guard/${db.databaseName}`;
  const now = (): Date => new Date();
  await using checkout = await makeCheckout(Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/${name}`, text])));
  await using lock = await acquireLock({ db, owner, purpose: 'test', log: silentLog });
  const program = { workspace: checkout.folder, folder: undefined, driver: 'auto', program: workerProgram } as const;
  await using project = await openProject({ ...program, env: process.env, log: silentLog });
  const copy = { uri: new Secret(uri), client: db.client, database: db.databaseName };
  const policy = await fencePolicy({ copy, database: db.databaseName, appName, settings: nothingMore });
  await project.worker.ask('watch', { policy, folder: project.folder });
  const loaded = await project.load(project.files);
  await project.connect({ uri, database: db.databaseName, appName });
  return await rehearse({
    db,
    project,
    files: project.files,
    loaded,
    journal: openJournal({ db, lock, run: owner, now }),
    lock,
    appName,
    limits: { maxPercent: 10, expectedPercent: {} },
    log: silentLog,
    now,
    signal: new AbortController().signal,
    timeout: 60_000,
    reveal: { ids: false, values: false },
    halfDoneUnder: 0,
    ...options,
  });
}
