import type { CheckResult } from '@migration-guard/shared/checks/check';
import type { VerifySettings } from '@migration-guard/shared/config/verify';
import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { fromMongoError } from '@migration-guard/shared/errors/mongo-errors';
import { formatBytes } from '@migration-guard/shared/log/format-bytes';
import { readJournal } from '@migration-guard/shared/migration/journal';
import { readLock } from '@migration-guard/shared/migration/lock';
import { recover } from '@migration-guard/shared/migration/recovery';
import type { Connection } from '@migration-guard/shared/mongo/connect';
import { readOplogExtent } from '@migration-guard/shared/mongo/oplog-window';
import { requirePrivileges } from '@migration-guard/shared/mongo/privileges';
import type { MongoClient } from 'mongodb';

export interface BeforeOptions {
  readonly connection: Connection;
  readonly database: string;
  readonly settings: VerifySettings['preflight'];
}

type Finding = Pick<CheckResult, 'found' | 'status'>;
type Question = Pick<CheckResult, 'rule' | 'subject' | 'expected'> & { readonly ask: () => Promise<Finding> | Finding };

const oldestMajor = 6;

/** Whether the target is ready for a migration, and for the way back from it. */
export async function checkBefore(options: BeforeOptions): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { ask, ...about } of questions(options)) results.push({ ...about, ...(await answer(ask)) });
  return results;
}

function questions({ connection, database, settings }: BeforeOptions): readonly Question[] {
  const { client, serverVersion, topology } = connection;
  const db = client.db(database);
  return [
    { rule: 'preflight/version', subject: 'server version', expected: `${oldestMajor}.0 or newer`, ask: () => version(serverVersion) },
    { rule: 'preflight/topology', subject: 'kind of server', expected: 'replica set', ask: () => kind(topology) },
    ...Object.entries(neededActions).map(([purpose, actions]): Question => {
      return {
        rule: 'preflight/privileges',
        subject: `privileges to ${purpose}`,
        expected: 'granted',
        ask: () => privileges(client, database, actions),
      };
    }),
    { rule: 'preflight/lock', subject: 'migration lock', expected: 'free', ask: async () => lock(await readLock(db)) },
    { rule: 'preflight/journal', subject: 'half-done migrations', expected: 'none', ask: async () => journal(await readJournal(db)) },
    {
      rule: 'preflight/disk',
      subject: 'disk of the server',
      expected: 'room for a copy of the database',
      ask: () => disk(client, database),
    },
    ...(topology === 'replica-set' ? [oplogQuestion(client, settings['oplog-window'])] : []),
  ];
}

/** What a user without the right to know is told. */
async function answer(ask: Question['ask']): Promise<Finding> {
  try {
    return await ask();
  } catch (thrown) {
    const error = fromMongoError(thrown, 'Preflight');
    if (error.code === 'target/privilege-missing') return { found: 'not known: the user may not ask', status: 'warned' };
    throw error;
  }
}

function version(serverVersion: string): Finding {
  return { found: serverVersion, status: Number.parseInt(serverVersion, 10) >= oldestMajor ? 'passed' : 'failed' };
}

function kind(topology: Connection['topology']): Finding {
  const remarks = {
    'replica-set': 'replica set',
    standalone: 'standalone server: a backup of it is only consistent while nothing writes',
    sharded: 'sharded cluster: collections cannot be swapped in one step during a rollback',
  } as const satisfies Record<Connection['topology'], string>;
  return { found: remarks[topology], status: topology === 'replica-set' ? 'passed' : 'warned' };
}

const neededActions = {
  'read and compare': ['find', 'listCollections', 'listIndexes'],
  migrate: ['insert', 'update', 'remove', 'createCollection', 'createIndex', 'dropIndex'],
  'roll back': ['dropCollection', 'renameCollectionSameDB', 'collMod'],
} as const;

async function privileges(client: MongoClient, database: string, actions: readonly string[]): Promise<Finding> {
  try {
    await requirePrivileges(client, [database], actions);
    return { found: 'granted', status: 'passed' };
  } catch (error) {
    if (!(error instanceof GuardError) || error.code !== 'target/privilege-missing') throw error;
    return { found: error.message, status: 'failed' };
  }
}

function lock(held: Awaited<ReturnType<typeof readLock>>): Finding {
  if (held === undefined) return { found: 'free', status: 'passed' };
  return { found: `held by ${held.owner} (${held.purpose}) until ${held.expiresAt.toISOString()}`, status: 'failed' };
}

function journal(entries: Awaited<ReturnType<typeof readJournal>>): Finding {
  const [halfDone] = recover([...entries.keys()], entries, () => false).halfDone;
  if (halfDone === undefined) return { found: 'none', status: 'passed' };
  return { found: `${halfDone.known}; not known is ${halfDone.unknown}`, status: 'failed' };
}

/** A restore needs room for the new collection beside the old one. */
async function disk(client: MongoClient, database: string): Promise<Finding> {
  const { fsTotalSize, fsUsedSize, storageSize, indexSize } = await client.db(database).command({ dbStats: 1 });
  if (typeof fsTotalSize !== 'number' || fsTotalSize === 0) return { found: 'not known: the server does not say', status: 'warned' };
  const free = fsTotalSize - fsUsedSize;
  const needed = storageSize + indexSize;
  const found = `${formatBytes(free)} free, ${formatBytes(needed)} used by the database`;
  return { found, status: free >= needed ? 'passed' : 'warned' };
}

function oplogQuestion(client: MongoClient, window: number): Question {
  const expected = `reaches back ${window / 60_000} min once it is full`;
  return { rule: 'preflight/oplog', subject: 'oplog', expected, ask: () => oplog(client, window) };
}

async function oplog(client: MongoClient, window: number): Promise<Finding> {
  const extent = await readOplogExtent(client);
  if (extent === undefined) return { found: 'not known: the oplog is empty', status: 'warned' };
  const { seconds, size, maxSize } = extent;
  const filled = size / maxSize;
  const found = `${Math.round(seconds / 60)} min in ${Math.round(filled * 100)} % of ${formatBytes(maxSize)}`;
  // An oplog that is not full has lost nothing yet.
  return { found, status: filled < 0.9 || seconds * 1_000 >= window ? 'passed' : 'warned' };
}
