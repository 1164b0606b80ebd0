import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { silentLog, type Log } from '../log/log.ts';
import { temporaryFolder, type TemporaryFolder } from '../testing/temporary-folder.ts';
import { runHook, type HookOptions } from './hooks.ts';

let folder: TemporaryFolder;
const file = (name: string): string => path.join(folder.path, name);

function options(command: string, more: Partial<HookOptions> = {}): HookOptions {
  const signal = new AbortController().signal;
  const env = { PATH: process.env['PATH'] };
  return {
    name: 'stop-command',
    command,
    folder: folder.path,
    env,
    log: silentLog,
    signal,
    timeout: 20_000,
    retries: 0,
    pause: 1,
    ...more,
  };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10);
}

async function isAlive(pidFile: string): Promise<boolean> {
  try {
    process.kill(Number(await readFile(pidFile, 'utf8')), 0);
    return true;
  } catch {
    return false;
  }
}

beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(async () => folder[Symbol.asyncDispose]());

describe('a stop or start command', () => {
  test('is run by the shell in the workspace, and its output kept', async () => {
    const result = await runHook(options('pwd && echo to stderr >&2 && echo "$GREETING"', { env: { ...process.env, GREETING: 'hello' } }));
    expect(result).toMatchObject({ succeeded: true, attempts: 1, ending: 'exit code 0', output: `${folder.path}\nto stderr\nhello` });
  });

  test('is shown line by line, so that no line is a command for the runner, and never itself', async () => {
    const lines: string[] = [];
    const log: Log = { ...silentLog, info: (message) => lines.push(message) };
    await runHook(options('echo ::error::planted', { log }));
    expect(lines).toEqual(['Running stop-command …', '│ ::error::planted']);
  });

  test('does not get the inputs of the action', async () => {
    const env = { ...process.env, INPUT_URI: 'mongodb://user:hunter2@host', STATE_lock: 'x' };
    expect((await runHook(options('env', { env }))).output).not.toMatch(/hunter2|STATE_lock/);
  });

  test('fails with its exit code', async () => {
    expect(await runHook(options('echo no; exit 3'))).toMatchObject({ succeeded: false, attempts: 1, ending: 'exit code 3', output: 'no' });
  });

  test('fails when a signal ends it, and when there is no such command', async () => {
    expect(await runHook(options('kill -9 $$'))).toMatchObject({ succeeded: false, ending: 'signal SIGKILL' });
    expect(await runHook(options('no-such-command-at-all'))).toMatchObject({ succeeded: false, ending: 'exit code 127' });
    expect(await runHook(options('true', { folder: file('missing') }))).toMatchObject({ ending: expect.stringContaining('not started') });
  });

  test('is tried again until it succeeds', async () => {
    await writeFile(file('tries'), '');
    const command = 'echo x >> tries; test "$(wc -l < tries)" -ge 3';
    expect(await runHook(options(command, { retries: 5 }))).toMatchObject({ succeeded: true, attempts: 3 });
  });

  test('is tried no more often than it may', async () => {
    expect(await runHook(options('exit 1', { retries: 2 }))).toMatchObject({ succeeded: false, attempts: 3 });
  });

  test('is ended with everything it started when its time is up', async () => {
    const result = await runHook(options('echo begun; sleep 300 & echo $! > sleeper; wait', { timeout: 500 }));
    expect(result).toMatchObject({ succeeded: false, ending: 'no end within 0.5 s', output: 'begun' });
    await until(async () => !(await isAlive(file('sleeper'))));
  });

  test('is ended when the run is cancelled, with the reason', async () => {
    const cancel = new AbortController();
    const running = runHook(options('sleep 300 & echo $! > cancelled; wait', { signal: cancel.signal, retries: 3 }));
    await until(() => isAlive(file('cancelled')));
    cancel.abort(new Error('cancelled by test'));
    await expect(running).rejects.toThrow('cancelled by test');
    await until(async () => !(await isAlive(file('cancelled'))));
  });

  test('may leave a service behind that goes on writing', async () => {
    const command = '(while :; do echo alive; echo x >> heartbeat; sleep 0.02; done) & echo $! > service';
    expect(await runHook(options(command))).toMatchObject({ succeeded: true });
    const beats = async (): Promise<number> => (await readFile(file('heartbeat'), 'utf8').catch(() => '')).length;
    const before = await beats();
    await until(async () => (await beats()) > before + 10);
    process.kill(Number(await readFile(file('service'), 'utf8')), 'SIGKILL');
  });

  test('keeps the end of a long output', async () => {
    const { output } = await runHook(options('for i in $(seq 1 5000); do echo line $i; done'));
    expect(output).toMatch(/^….*line 5000$/s);
    expect(output.length).toBeLessThan(4_100);
  });
});
