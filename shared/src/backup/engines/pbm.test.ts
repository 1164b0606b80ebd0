import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { silentLog, type Log } from '../../log/log.ts';
import { Secret } from '../../redaction/secret.ts';
import { pbmStandIn, type PbmReply, type PbmStandIn } from '../../testing/pbm.ts';
import { pbmAbsent, pbmBackup, pbmName, pbmRestore, pbmRestoreName, pbmStarted, pbmStatus, pbmVersion } from '../../testing/pbm-answers.ts';
import { temporaryFolder, type TemporaryFolder } from '../../testing/temporary-folder.ts';
import { pbmEngine } from './pbm.ts';
import type { HoldingEngine } from './holding-engine.ts';

const uri = 'mongodb://pbm:s3cret-word@cfg:27019/?replicaSet=cfg';
const sharded = { id: pbmName, topology: 'sharded' } as const;
let folder: TemporaryFolder;
let pbm: PbmStandIn;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(async () => folder[Symbol.asyncDispose]());

interface Over {
  readonly log?: Log;
  readonly signal?: AbortSignal;
  readonly timeout?: number;
}

async function engine(replies: Readonly<Record<string, readonly PbmReply[]>>, over: Over = {}): Promise<HoldingEngine> {
  pbm = await pbmStandIn(folder.path, { version: [pbmVersion], status: [pbmStatus()], backup: [pbmStarted], ...replies });
  const { signal } = new AbortController();
  const patience = { interval: 1, timeout: 60_000 };
  return pbmEngine({
    uri: new Secret(uri),
    at: pbm.file,
    env: { PATH: process.env['PATH'] },
    log: silentLog,
    signal,
    ...patience,
    ...over,
  });
}

const commands = async (): Promise<readonly string[]> => (await pbm.calls()).map(({ args }) => args.join(' '));

describe('a backup by Percona Backup for MongoDB', () => {
  test('is awaited, and known by its name, its time and its cluster', async () => {
    const said: string[] = [];
    const log = { ...silentLog, info: (line: string) => void said.push(line) };
    const states = ['starting', 'running', 'running', 'dumpDone', 'done'].map((status) => pbmBackup(status));
    const held = await (await engine({ 'describe-backup': states }, { log })).create('mark');
    expect(held).toEqual({
      id: pbmName,
      place: 's3 of pbm',
      at: '2026-11-21T10:00:03.000Z',
      bytes: 1_200,
      serverVersion: '8.0.12-4',
      topology: 'sharded',
    });
    expect(said.filter((line) => line.endsWith(': running'))).toHaveLength(1);
    expect(await commands()).toEqual([
      'version --out=json',
      'status --sections=cluster --out=json',
      'backup --type=logical --out=json',
      ...states.map(() => `describe-backup ${pbmName} --out=json`),
    ]);
    expect(JSON.stringify(await pbm.calls().then((calls) => calls.map(({ args }) => args)))).not.toContain('s3cret-word');
    expect((await pbm.calls()).every((call) => call.uri === uri)).toBe(true);
  });

  test.each<[string, Readonly<Record<string, readonly PbmReply[]>>, string, RegExp]>([
    [
      'fails on a shard',
      { 'describe-backup': [pbmBackup('running'), pbmBackup('error', 'disk full')] },
      'backup/incomplete',
      /rs1: disk full/,
    ],
    ['was cancelled by somebody', { 'describe-backup': [pbmBackup('canceled')] }, 'backup/incomplete', /canceled/],
    ['has no agent on a shard', { status: [pbmStatus(false)] }, 'engine/failed', /rs1 is ready \(rs1:27018: lost agent\)/],
    [
      'comes while another operation runs',
      { backup: [{ out: { error: 'another operation in progress', operation: { type: 'backup' } }, exitCode: 1 }] },
      'engine/failed',
      /pbm backup: another operation in progress/,
    ],
    [
      'cannot connect',
      { backup: [{ out: { Error: `connect to mongodb: ${uri}` }, exitCode: 1 }] },
      'engine/failed',
      /^pbm backup: connect to mongodb: \*\*\*$/,
    ],
    ['gets an answer that is none', { 'describe-backup': [{ before: 'usage: pbm' }] }, 'engine/failed', /cannot be read/],
    ['is forgotten', { 'describe-backup': [pbmAbsent] }, 'backup/not-found', /not know/],
  ])('that %s is a clear failure', async (_name, replies, code, message) => {
    await expect((await engine(replies)).create('mark')).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('that never ends is a failure after its time', async () => {
    const waiting = await engine({ 'describe-backup': [pbmBackup('running')] }, { timeout: 0 });
    await expect(waiting.create('mark')).rejects.toMatchObject({ code: 'engine/timeout' });
  });

  test('is cancelled with the run', async () => {
    const controller = new AbortController();
    const log = { ...silentLog, info: (line: string) => line.endsWith(': running') && controller.abort(new Error('cancelled')) };
    const replies = {
      'describe-backup': [pbmBackup('running')],
      'cancel-backup': [{ out: { message: 'Backup cancellation has started' } }],
    };
    const running = await engine(replies, { log, signal: controller.signal });
    await expect(running.create('mark')).rejects.toThrow('cancelled');
    expect(await commands()).toContain('cancel-backup --out=json');
  });
});

describe('a restore by Percona Backup for MongoDB', () => {
  const done = { 'describe-backup': [pbmBackup('done')], restore: [{ out: { name: pbmRestoreName, snapshot: pbmName } }] };
  const absent: PbmReply = { out: { Error: 'get restore meta: not found' }, exitCode: 1 };

  test('is awaited', async () => {
    const states = [absent, pbmRestore('starting'), pbmRestore('running'), pbmRestore('done')];
    await (await engine({ ...done, 'describe-restore': states })).restore(sharded);
    expect((await commands()).slice(-5)).toEqual([
      `restore ${pbmName} --yes --out=json`,
      ...states.map(() => `describe-restore ${pbmRestoreName} --out=json`),
    ]);
  });

  test.each<[string, PbmReply, RegExp]>([
    ['fails', pbmRestore('error', 'no space left'), /error \(rs1: no space left\)/],
    ['is done in part', pbmRestore('partlyDone', 'node lost'), /partlyDone/],
    ['leaves transactions half done', pbmRestore('done', 'WARNING! Some distributed transactions were not full'), /transactions/],
  ])('that %s is a clear failure', async (_name, reply, message) => {
    const failing = await engine({ ...done, 'describe-restore': [reply] });
    await expect(failing.restore(sharded)).rejects.toMatchObject({ code: 'engine/failed', message: expect.stringMatching(message) });
  });

  test('is not begun for a backup that is not whole, or that would stop the servers', async () => {
    await expect((await engine({ 'describe-backup': [pbmBackup('error', 'x')] })).restore(sharded)).rejects.toMatchObject({
      code: 'backup/incomplete',
    });
    const physical = { out: { ...(pbmBackup('done').out as object), type: 'physical' } };
    await expect((await engine({ 'describe-backup': [physical] })).restore(sharded)).rejects.toMatchObject({ code: 'engine/failed' });
    expect((await commands()).some((command) => command.startsWith('restore'))).toBe(false);
  });
});

describe('a backup that Percona Backup for MongoDB keeps', () => {
  test('is removed, also when it is gone already', async () => {
    const text = 'Snapshots:\n - "2026-11-21T10:00:00Z" [size: 1.2KB type: <logical>]';
    await (await engine({ 'delete-backup': [{ before: text, out: { message: 'done' } }] })).remove(sharded);
    await (await engine({ 'delete-backup': [{ out: { Error: 'get backup metadata: not found' }, exitCode: 1 }] })).remove(sharded);
    const refusing = await engine({ 'delete-backup': [{ out: { Error: 'backup cannot be deleted: base for PITR' }, exitCode: 1 }] });
    await expect(refusing.remove(sharded)).rejects.toMatchObject({ code: 'engine/failed' });
  });

  test('is checked', async () => {
    expect(await (await engine({ 'describe-backup': [pbmBackup('done')] })).check(sharded)).toMatchObject({ id: pbmName });
    await expect((await engine({ 'describe-backup': [pbmAbsent] })).check(sharded)).rejects.toMatchObject({ code: 'backup/not-found' });
  });
});
