import { mkdir, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { settings } from '../../config/migrate.ts';
import { silentLog, type Log } from '../../log/log.ts';
import { temporaryFolder, type TemporaryFolder } from '../../testing/temporary-folder.ts';
import { runCommand, type CommandEnd, type CommandOptions } from './run-command.ts';

let folder: TemporaryFolder;

beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(async () => folder[Symbol.asyncDispose]());

const uri = 'mongodb://app:hunter2secret@localhost/shop';

async function run(text: string, more: Partial<CommandOptions> = {}): Promise<CommandEnd> {
  const [command] = settings.parse({ commands: [{ name: 'tool', command: text }] }).commands;
  if (command === undefined) throw new Error('no command');
  const never = new AbortController().signal;
  const parts = { command, folder: folder.path, uri, database: 'shop', env: process.env, log: silentLog, left: '' };
  return runCommand({ ...parts, stop: never, kill: never, ...more });
}

async function alive(pidFile: string): Promise<boolean> {
  try {
    process.kill(Number(await readFile(path.join(folder.path, pidFile), 'utf8')), 0);
    return true;
  } catch {
    return false;
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10);
}

describe('a command of a team', () => {
  test('runs in its folder and finds connection string and database in its variables', async () => {
    const end = await run('pwd; test "$MONGODB_URI" = "mongodb://app:hunter2secret@localhost/shop"; echo "$MONGODB_DATABASE"');
    expect(end).toMatchObject({ ending: 'exit code 0', output: [folder.path, 'shop'] });
  });

  test('is shown line by line, without the secrets of the connection string, and no line is a command for the runner', async () => {
    const lines: string[] = [];
    const log: Log = { ...silentLog, info: (line) => lines.push(line) };
    const end = await run('echo "::error::$MONGODB_URI"; echo password hunter2secret >&2', { log });
    expect([...lines].sort()).toEqual(['│ ::error::***', '│ password ***']);
    expect(JSON.stringify(end)).not.toContain('hunter2');
  });

  test('gets neither the inputs of the action nor the tokens of the job', async () => {
    const env = {
      ...process.env,
      INPUT_URI: 'planted-1',
      STATE_LOCK: 'planted-2',
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'planted-3',
      MINE: 'mine',
    };
    const { output } = await run('env | grep -E "planted|^MINE"', { env });
    expect(output).toEqual(['MINE=mine']);
  });

  test('fails at the first line that fails, also in the middle of a pipe', async () => {
    expect(await run('echo one\nfalse\necho two')).toMatchObject({ ending: 'exit code 1', output: ['one'] });
    expect(await run('false | cat')).toMatchObject({ ending: 'exit code 1' });
    expect(await run('no-such-program-at-all')).toMatchObject({ ending: 'exit code 127' });
    expect(await run('kill -9 $$')).toMatchObject({ ending: 'signal SIGKILL' });
    expect((await run('true', { folder: path.join(folder.path, 'missing') })).ending).toMatch(/^no start: /);
  });

  test('is run by sh where there is no bash, and still stops at the first line that fails', async () => {
    const bin = path.join(folder.path, 'bin');
    await mkdir(bin);
    await symlink('/bin/sh', path.join(bin, 'sh'));
    expect(await run('echo one\nfalse\necho two', { env: { PATH: bin } })).toMatchObject({ ending: 'exit code 1', output: ['one'] });
  });

  test('keeps its last lines only', async () => {
    const { output } = await run('for i in $(seq 1 5000); do echo line $i; done');
    expect(output).toHaveLength(20);
    expect(output.at(-1)).toBe('line 5000');
  });

  test('is ended with everything that it started when it has to stop', async () => {
    const stop = new AbortController();
    const ended = run('sleep 300 & echo $! > stopped; wait', { stop: stop.signal });
    await until(() => alive('stopped'));
    stop.abort();
    expect((await ended).ending).toMatch(/signal SIGTERM|exit code 143/);
    await until(async () => !(await alive('stopped')));
  });

  test('is killed at once when the lock is lost, even when it does not listen', async () => {
    const kill = new AbortController();
    const ended = run(`trap '' TERM; (trap '' TERM; sleep 300) & echo $! > deaf; while :; do sleep 0.1; done`, { kill: kill.signal });
    await until(() => alive('deaf'));
    kill.abort();
    expect((await ended).ending).toBe('signal SIGKILL');
    await until(async () => !(await alive('deaf')));
  });

  test('leaves nothing running behind it', async () => {
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warning: (line) => warnings.push(line) };
    const { ending } = await run('sleep 300 & echo $! > left; echo done', { log });
    expect(ending).toBe('exit code 0');
    expect(warnings).toEqual([expect.stringContaining('left processes behind')]);
    await until(async () => !(await alive('left')));
  });
});
