import { stat } from 'node:fs/promises';
import path from 'node:path';
import { GuardError, type Place } from '../errors/guard-error.ts';
import type { Log } from '../log/log.ts';
import { discover, type MigrationFile } from './files.ts';
import type { History, HistoryKind } from './history/history.ts';
import { openHistory } from './history/open.ts';
import type { DriverChoice, Fault, Loaded, LoadedFile, ProjectConfig, Requests } from './worker/protocol.ts';
import { startWorker, workerFailed, type Worker, type WorkerProgram } from './worker.ts';

export interface ProjectOptions {
  /** Folder of the checkout. */
  readonly workspace: string;
  /** Folder of the migrations; default: the one that migrate-mongo's configuration names, else `migrations`. */
  readonly folder: string | undefined;
  readonly driver: DriverChoice;
  /** How the database records what is applied; default: as migrate-mongo does, in the collection that its configuration names. */
  readonly history?: { readonly kind: HistoryKind; readonly collection?: string | undefined };
  readonly program: WorkerProgram;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

/** The user's migrations and the process in which they run. */
export interface Project extends AsyncDisposable {
  readonly worker: Worker;
  readonly workspace: string;
  readonly folder: string;
  readonly files: readonly MigrationFile[];
  /** From migrate-mongo's configuration file, empty without one. */
  readonly config: ProjectConfig;
  readonly history: History;
  /** Lines that migrations wrote to stderr since the last call. */
  takeWarnings(): readonly string[];
  /** Connects the process of the migrations, with the driver that they get. Throws `migration/worker-failed`. */
  connect(target: Requests['connect']['ask']): Promise<void>;
  /** Loads files; those that are loaded already are not loaded again. Throws `migration/load-failed` with every fault of every file. */
  load(files: readonly MigrationFile[]): Promise<ReadonlyMap<string, LoadedFile>>;
}

/** Throws `migration/load-failed`: what is wrong with which file, all at once. */
export class LoadError extends GuardError {
  readonly faults: readonly { readonly name: string; readonly message: string; readonly place: Place }[];

  constructor(faults: LoadError['faults'], remedy: string | undefined) {
    const [first] = faults;
    const rest = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
    super('migration/load-failed', `${first?.name}${lineText(first?.place)} cannot be loaded: ${first?.message}${rest}`, {
      ...(first === undefined ? {} : { place: first.place }),
      ...(remedy === undefined ? {} : { remedy }),
    });
    this.faults = faults;
  }
}

/**
 * Finds the migrations of a project and starts its worker. migrate-mongo's configuration is read when it lies in the workspace or beside
 * the folder. Throws `migration/folder-not-found`, `migration/worker-failed`, `migration/driver-missing`.
 */
export async function openProject(options: ProjectOptions): Promise<Project> {
  const { workspace, driver, program, env, log } = options;
  const warnings: string[] = [];
  const configFile = await findConfig([workspace, ...(options.folder === undefined ? [] : [path.dirname(options.folder)])]);
  const cwd = configFile === undefined ? workspace : path.dirname(configFile);
  const worker = startWorker({ program, cwd, env, log, onWarning: (line) => warnings.push(line) });
  try {
    const config = configFile === undefined ? {} : await readConfig(worker, configFile, driver);
    const folder = options.folder ?? path.resolve(cwd, config.migrationsDir ?? 'migrations');
    return {
      worker,
      workspace,
      folder,
      files: await discover(folder, extensions(config, configFile)),
      config,
      history: historyOf(options, config),
      takeWarnings: () => warnings.splice(0),
      connect: (to) => connectWorker(worker, to),
      load: loader({ worker, workspace, folder, driver, log }),
      [Symbol.asyncDispose]: () => worker.kill(),
    };
  } catch (error) {
    await worker.kill();
    throw error;
  }
}

/** Place in the user's file, its path relative to the workspace, as annotations need it. */
export function placeOfFault({ file, line, column }: Fault, workspace: string): Place | undefined {
  if (file === undefined || file === '') return undefined;
  const relative = path.relative(workspace, file);
  const outside = relative.startsWith('..') || path.isAbsolute(relative);
  return { file: outside ? file : relative, ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
}

/** ` line 4`, or nothing. */
export function lineText(place: Place | undefined): string {
  return place?.line === undefined ? '' : ` line ${place.line}`;
}

async function findConfig(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const file = path.join(folder, 'migrate-mongo-config.js');
    const found = await stat(file).catch(() => undefined);
    if (found?.isFile() === true) return file;
  }
  return undefined;
}

async function readConfig(worker: Worker, file: string, driver: DriverChoice): Promise<ProjectConfig> {
  try {
    return await worker.ask('config', { file, driver });
  } catch (error) {
    throw workerFailed(error, `Reading ${file}`);
  }
}

/** A configuration file without an extension means `.js`, as migrate-mongo has it. */
function extensions(config: ProjectConfig, configFile: string | undefined): readonly string[] | undefined {
  return configFile === undefined ? undefined : [config.migrationFileExtension ?? '.js'];
}

function historyOf({ history: { kind, collection } = { kind: 'migrate-mongo' } }: ProjectOptions, config: ProjectConfig): History {
  return openHistory({ kind, collection: collection ?? (kind === 'migrate-mongo' ? config.changelogCollectionName : undefined) });
}

async function connectWorker(worker: Worker, target: Requests['connect']['ask']): Promise<void> {
  try {
    await worker.ask('connect', target);
  } catch (error) {
    throw workerFailed(error, 'Connecting the migrations to the database');
  }
}

interface LoaderParts {
  readonly worker: Worker;
  readonly workspace: string;
  readonly folder: string;
  readonly driver: DriverChoice;
  readonly log: Log;
}

function loader({ worker, workspace, folder, driver, log }: LoaderParts): Project['load'] {
  const loaded = new Map<string, LoadedFile>();
  return async (files) => {
    const names = files.map(({ name }) => name).filter((name) => !loaded.has(name));
    if (names.length === 0) return loaded;
    const answer = await worker.ask('load', { folder, files: names, driver }).catch((error: unknown): Loaded => {
      throw workerFailed(error, 'Loading the migrations');
    });
    log.info(`Migration files loaded: ${answer.files.length}; driver ${answer.driver.version} (${answer.driver.source})`);
    const faulty = answer.files.filter((file) => file.fault !== undefined);
    if (faulty.length > 0) {
      const faults = faulty.map(({ name, fault }) => ({
        name,
        message: fault?.message ?? '',
        place: (fault === undefined ? undefined : placeOfFault(fault, workspace)) ?? { file: name },
      }));
      throw new LoadError(faults, faulty[0]?.fault?.remedy);
    }
    for (const file of answer.files) loaded.set(file.name, file);
    return loaded;
  };
}
