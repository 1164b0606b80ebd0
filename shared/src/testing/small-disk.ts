import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** How a process sees a folder: on a disk of its own with so many bytes, or one that cannot be written. */
export interface Disk {
  readonly folder: string;
  readonly bytes?: number;
  readonly readOnly?: boolean;
}

/** Whether a process can have mounts of its own here. */
const mounts = spawnSync('unshare', ['--map-root-user', '--mount', 'true']).status === 0;

/**
 * Runs a script of the tests with a disk of its own: a small tmpfs in a mount namespace. Where that is not allowed, a limit on the size of
 * files (`ulimit -f`) stands for the full disk, and the rights of the folder for one that cannot be written. Returns its last line.
 */
export async function runOnDisk(
  { folder, bytes = 2 ** 26, readOnly = false }: Disk,
  script: string,
  args: readonly string[],
): Promise<string> {
  const node = [process.execPath, '--conditions=source', script, ...args];
  const mounted = `mount -t tmpfs -o size=${bytes}${readOnly ? ',ro' : ''} tmpfs "$0" && exec "$@"`;
  const limited = readOnly ? 'chmod 555 "$0" && exec "$@"' : `ulimit -f ${Math.floor(bytes / 512)} && exec "$@"`;
  const child = mounts
    ? spawn('unshare', ['--map-root-user', '--mount', 'sh', '-c', mounted, folder, ...node])
    : spawn('sh', ['-c', limited, folder, ...node]);
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return output.trim().split('\n').at(-1) ?? '';
}
