import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const server = pathToFileURL(path.join(import.meta.dirname, 'server.ts')).href;

// A process that starts an embedded server, says where it is, and waits for its end.
const owner = `
  const { readdirSync, readFileSync } = await import('node:fs');
  const { startEmbedded } = await import(${JSON.stringify(server)});
  await startEmbedded({ binary: process.env.MONGOD_BINARY, topology: { kind: 'standalone' } });
  const children = readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim().split(' ');
  for (const pid of children) {
    const args = readFileSync('/proc/' + pid + '/cmdline', 'utf8').split('\\0');
    const folder = args[args.indexOf('--dbpath') + 1];
    if (args.includes('--dbpath')) console.log(JSON.stringify({ pid: Number(pid), folder }));
  }
  setInterval(() => undefined, 1000);
`;

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a process that is killed takes its embedded server and the temporary folder with it', async () => {
  const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', owner], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const mongod = JSON.parse(line) as { pid: number; folder: string };
  expect(isAlive(mongod.pid)).toBe(true);
  expect(existsSync(mongod.folder)).toBe(true);

  child.kill('SIGKILL');
  while (isAlive(mongod.pid) || existsSync(mongod.folder)) await sleep(20);
});
