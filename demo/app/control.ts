// Starts and stops the application, as an operator's scripts would: node demo/app/control.ts start|stop|status <folder with app.json>
import { spawn } from 'node:child_process';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, readSettings } from './settings.ts';

const patience = 15_000;

const [command, folder] = process.argv.slice(2);
const commands: Readonly<Record<string, (folder: string) => Promise<string>>> = { start, stop, status };
const chosen = command === undefined ? undefined : commands[command];
if (chosen === undefined || folder === undefined) {
  console.error('usage: control.ts start|stop|status <folder>');
  process.exit(2);
}
try {
  console.log(await chosen(folder));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}

async function start(folder: string): Promise<string> {
  const running = await runningPid(folder);
  if (running !== undefined) return `already running (pid ${running})`;
  await using log = await open(path.join(folder, 'app.log'), 'a');
  const server = path.join(import.meta.dirname, 'server.ts');
  const child = spawn(process.execPath, [server, folder], { detached: true, stdio: ['ignore', log.fd, log.fd] });
  child.unref();
  if (child.pid === undefined) throw new Error('The application could not be started.');
  await writeFile(pidFile(folder), String(child.pid));
  const { pid } = child;
  const { port } = await readSettings(folder);
  await waitUntil(async () => {
    if (!isRunning(pid)) throw new Error('The application ended while it was starting; see app.log.');
    return isHealthy(port);
  }, 'The application does not answer.');
  return `started (pid ${pid}, port ${port})`;
}

async function stop(folder: string): Promise<string> {
  const pid = await runningPid(folder);
  if (pid === undefined) return 'not running';
  process.kill(pid, 'SIGTERM');
  await waitUntil(async () => !isRunning(pid), 'The application does not stop.');
  await rm(pidFile(folder), { force: true });
  return `stopped (pid ${pid})`;
}

async function status(folder: string): Promise<string> {
  const pid = await runningPid(folder);
  return pid === undefined ? 'not running' : `running (pid ${pid})`;
}

async function runningPid(folder: string): Promise<number | undefined> {
  const pid = Number(await readFile(pidFile(folder), 'utf8').catch(() => '0'));
  return pid > 0 && isRunning(pid) ? pid : undefined;
}

async function isHealthy(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/health`).then(
    (response) => response.ok,
    () => false,
  );
}

async function waitUntil(condition: () => Promise<boolean>, otherwise: string): Promise<void> {
  const until = Date.now() + patience;
  while (!(await condition())) {
    if (Date.now() > until) throw new Error(otherwise);
    await sleep(50);
  }
}

function pidFile(folder: string): string {
  return path.join(folder, 'app.pid');
}
