import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Runs in a process of its own, with the pid of mongod and its data folder as arguments. Its standard input ends when the process that
 * started it is gone, however it died: then mongod must go too. SIGINT is how mongodb-memory-server ends it after a proper stop.
 */
const script = `
  const { rmSync } = require('node:fs');
  const [pid, folder] = process.argv.slice(1);
  const alive = () => { try { return process.kill(Number(pid), 0); } catch { return false; } };
  const clean = () => {
    if (alive()) return setTimeout(clean, 50);
    if (folder) rmSync(folder, { recursive: true, force: true });
    process.exit(0);
  };
  process.on('SIGINT', () => process.exit(0));
  process.stdin.resume().on('error', () => {}).on('close', () => {
    if (alive()) process.kill(Number(pid), 'SIGKILL');
    clean();
  });
`;

/**
 * Starts the process that kills the server `pid` (a negative one: a process group) and removes its temporary `folder` as soon as this
 * process is gone. Instead of the one of mongodb-memory-server, which is a file that a bundle does not have, looks every two seconds only
 * and leaves the folder behind.
 */
export function launchWatchdog(pid: number, folder: string | undefined): ChildProcess {
  const watchdog = spawn(process.execPath, ['-e', script, String(pid), folder ?? ''], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
  });
  watchdog.unref();
  (watchdog.stdin as unknown as { unref(): void }).unref();
  return watchdog;
}
