import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a process may take to end by itself, milliseconds. */
const killAfter = 5_000;

/** Ends a process that was started `detached`, and everything that it started: asks first, and kills after five seconds. */
export async function endGroup(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  if (process.platform === 'win32') {
    spawn('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore' }).on('error', () => child.kill());
    return;
  }
  signalGroup(pid, 'SIGTERM');
  await sleep(killAfter, undefined, { ref: false });
  signalGroup(pid, 'SIGKILL');
}

/** Kills a process that was started `detached`, and everything that it started, at once. */
export function killGroup(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  if (process.platform === 'win32') void endGroup(child);
  else signalGroup(pid, 'SIGKILL');
}

/** Whether anything of the group of a process that was started `detached` still runs. Unknown on Windows: no. */
export function isGroupAlive({ pid }: Pick<ChildProcess, 'pid'>): boolean {
  if (pid === undefined || process.platform === 'win32') return false;
  try {
    return process.kill(-pid, 0);
  } catch {
    return false;
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended by itself.
  }
}
