import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface BundleFigures {
  readonly megabytes: number;
  /** Milliseconds from the start of the process to its first line of log, median of five. */
  readonly startMilliseconds: number;
}

/** Size of a `dist` folder, and how long its action takes to say something. */
export async function measureBundle(dist: string): Promise<BundleFigures> {
  const names = await readdir(dist);
  const sizes = await Promise.all(names.map(async (name) => (await stat(path.join(dist, name))).size));
  const starts: number[] = [];
  for (let run = 0; run < 5; run += 1) starts.push(await timeToFirstLine(path.join(dist, 'index.js')));
  return {
    megabytes: sizes.reduce((sum, size) => sum + size, 0) / 1e6,
    startMilliseconds: Math.round(starts.sort((a, b) => a - b)[2] ?? 0),
  };
}

async function timeToFirstLine(entry: string): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), 'migration-guard-start-'));
  const started = performance.now();
  const child = spawn(process.execPath, [entry], { cwd: folder, env: { RUNNER_TEMP: folder }, stdio: ['ignore', 'pipe', 'ignore'] });
  let first: number | undefined;
  child.stdout.on('data', () => (first ??= performance.now()));
  await new Promise((resolve) => child.once('close', resolve));
  await rm(folder, { recursive: true, force: true });
  return (first ?? performance.now()) - started;
}
