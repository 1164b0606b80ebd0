import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Db, Timestamp } from 'mongodb';
import { timeOf } from '../mongo/change-stream.ts';
import type { Connection } from '../mongo/connect.ts';
import { connectShared, dropDatabases, uniqueDatabase } from '../testing/mongod.ts';
import { textOfTime } from '../timing/cluster-time.ts';
import type { WriteCommand } from './write-command.ts';
import { beginWritesRecord, readWritesRecord, recordUndoSession } from './writes-record.ts';

let connection: Connection;
const databases: string[] = [];

beforeAll(async () => {
  connection = await connectShared();
});

afterAll(async () => {
  await dropDatabases(connection.client, databases);
  await connection.client.close();
});

async function start(): Promise<{ readonly db: Db; readonly since: bigint; readonly now: () => Promise<bigint> }> {
  const name = uniqueDatabase('record');
  databases.push(name);
  const db = connection.client.db(name);
  const now = async (): Promise<bigint> => {
    await db.collection('tick').insertOne({});
    return timeOf((await db.command({ ping: 1 }))['operationTime'] as Timestamp);
  };
  return { db, since: await now(), now };
}

const done: WriteCommand = { collection: 'a', kind: 'insert', after: '1.0', until: '2.0', documents: 1 };

test('a record that was ended is complete', async () => {
  const { db, since } = await start();
  const recorder = await beginWritesRecord(db, 'run');
  recorder.add({ commands: [done], through: '3.0' });
  await recorder.end();
  expect(await readWritesRecord(db, since)).toEqual({ commands: [done], windows: [], undoSessions: new Set() });
});

test('after a kill the time from the last report to the next step is unknown, and what had no answer may have gone on until then', async () => {
  const { db, since, now } = await start();
  const through = await now();
  const recorder = await beginWritesRecord(db, 'run');
  const { until: _until, ...open } = done;
  recorder.add({ commands: [open], through: textOfTime(through) });
  while ((await db.collection('migration_writes').countDocuments({ kind: 'commands' })) === 0);
  await recordUndoSession(db, { run: 'other', session: 'ab' });
  const { commands, windows, undoSessions } = await readWritesRecord(db, since);
  const [window] = windows;
  expect(window?.after).toBe(through);
  expect(commands).toEqual([{ ...open, until: textOfTime(window?.until ?? 0n) }]);
  expect(undoSessions).toEqual(new Set(['ab']));
});

test('a migration that started another program is unknown from then on', async () => {
  const { db, since, now } = await start();
  const recorder = await beginWritesRecord(db, 'run');
  const through = await now();
  recorder.add({ commands: [done], through: textOfTime(through) });
  recorder.add({ commands: [{ ...done, collection: 'b' }], through: textOfTime(await now()), incomplete: true });
  await recorder.end();
  const { commands, windows } = await readWritesRecord(db, since);
  expect(commands).toHaveLength(2);
  expect(windows).toEqual([{ after: through, until: expect.any(BigInt) }]);
});

test('what cannot be written is said at the end', async () => {
  const { db } = await start();
  const recorder = await beginWritesRecord(db, 'run');
  await db.command({ collMod: 'migration_writes', validator: { kind: 'begin' } });
  recorder.add({ commands: [done] });
  await expect(recorder.end()).rejects.toMatchObject({ name: 'GuardError' });
});
