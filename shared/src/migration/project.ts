import { stat } from 'node:fs/promises';
import path from 'node:path';
import { GuardError, type Place } from '../errors/guard-error.ts';
import type { Log } from '../log/log.ts';
import { discover, knownExtensions, nameWithoutExtension, type MigrationFile } from './files.ts';
import type { History, HistoryKind } from './history/history.ts';
import { openHistory, type HistoryOptions } from './history/open.ts';
import type { DriverChoice, Fault, Loaded, LoadedFile, ProjectConfig, Requests } from './worker/protocol.ts';
import type { StepNames } from './worker/shape.ts';
import { startWorker, workerFailed, WorkerRefusal, type Worker, type WorkerProgram } from './worker.ts';

export interface ProjectOptions {
  /** Folder of the checkout. */
  readonly workspace: string;
  /** Folder of the migrations; default: the one that migrate-mongo's configuration names, else `migrations`. */
  readonly folder: string | undefined;
  /** migrate-mongo's configuration file; default: `migrate-mongo-config` with any known extension, in the workspace or beside the folder. */
  readonly configFile?: string | undefined;
  /** Whether the project has migrations of its own; default true. Without, neither its folder nor migrate-mongo's configuration is looked at. */
  readonly hasFiles?: boolean;
  readonly driver: DriverChoice;
  /** What the project calls `up` and `down`. */
  readonly names?: StepNames | undefined;
  /** Whether files that reach BSON of another major version than the driver's are refused; default true. */
  readonly refuseForeignBson?: boolean;
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
  /** What is doubtful about the files that were loaded since the last call, although they could be loaded. */
  takeLoadWarnings(): readonly LoadFault[];
  /** Connects the process of the migrations, with the driver that they get. Throws `migration/worker-failed`. */
  connect(target: Requests['connect']['ask']): Promise<void>;
  /** Loads files; those that are loaded already are not loaded again. Throws `migration/load-failed` with every fault of every file. */
  load(files: readonly MigrationFile[]): Promise<ReadonlyMap<string, LoadedFile>>;
}

/** What is wrong with a file, and what to do about it where the cause tells. */
export interface LoadFault {
  readonly name: string;
  readonly message: string;
  readonly place: Place;
  readonly remedy?: string;
}

/** Throws `migration/load-failed`: what is wrong with which file, all at once. */
export class LoadError extends GuardError {
  readonly faults: readonly LoadFault[];

  constructor(faults: readonly LoadFault[]) {
    const [first] = faults;
    const rest = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
    super('migration/load-failed', `${first?.name}${lineText(first?.place)} cannot be loaded: ${first?.message}${rest}`, {
      ...(first === undefined ? {} : { place: first.place }),
      ...(first?.remedy === undefined ? {} : { remedy: first.remedy }),
    });
    this.faults = faults;
  }
}

/**
 * Finds the migrations of a project and starts its worker. migrate-mongo's configuration is read when it lies in the workspace or beside
 * the folder. Throws `migration/folder-not-found`, `migration/config-invalid`, `migration/worker-failed`, `migration/driver-missing`.
 */
export async function openProject(options: ProjectOptions): Promise<Project> {
  const { workspace, program, env, log } = options;
  const warnings: string[] = [];
  const { hasFiles = true } = options;
  const configFile = hasFiles ? (options.configFile ?? (await findConfig(options))) : undefined;
  const cwd =
    options.configFile === undefined
      ? path.dirname(configFile ?? path.join(workspace, 'none'))
      : await projectFolder(options.configFile, workspace);
  const worker = startWorker({ program, cwd, env, log, onWarning: (line) => warnings.push(line) });
  try {
    const config = configFile === undefined ? {} : await readConfig(worker, configFile, options);
    const folder = options.folder ?? path.resolve(cwd, config.migrationsDir ?? 'migrations');
    const loaded = new Map<string, LoadedFile>();
    const doubts: LoadFault[] = [];
    const classNameOf = (name: string): string => loaded.get(name)?.className ?? nameWithoutExtension(name);
    return {
      worker,
      workspace,
      folder,
      files: hasFiles ? await discover(folder, extensions(config, configFile)) : [],
      config,
      history: { ...openHistory({ ...historyOf(options, config), classNameOf }), ...(hasFiles ? {} : emptyHistory) },
      takeWarnings: () => warnings.splice(0),
      takeLoadWarnings: () => doubts.splice(0),
      connect: (to) => connectWorker(worker, to),
      load: loader({ options, worker, folder, loaded, doubts }),
      [Symbol.asyncDispose]: () => worker.kill(),
    };
  } catch (error) {
    await worker.kill();
    throw error;
  }
}

/** What a database records is not about files that there are none of. */
const emptyHistory: Pick<History, 'read' | 'failures'> = { read: () => Promise.resolve([]), failures: () => Promise.resolve(new Map()) };

/** Place in the user's file, its path relative to the workspace, as annotations need it. */
export function placeOfFault({ file, line, column }: Pick<Fault, 'file' | 'line' | 'column'>, workspace: string): Place | undefined {
  if (file === undefined || file === '') return undefined;
  const relative = path.relative(workspace, file);
  const outside = relative.startsWith('..') || path.isAbsolute(relative);
  return { file: outside ? file : relative, ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
}

/** ` line 4`, or nothing. */
export function lineText(place: Place | undefined): string {
  return place?.line === undefined ? '' : ` line ${place.line}`;
}

/** Throws `migration/config-invalid` when there are several: each may name another changelog, and the wrong one lets everything run again. */
async function findConfig({ workspace, folder }: ProjectOptions): Promise<string | undefined> {
  const folders = new Set([workspace, ...(folder === undefined ? [] : [path.dirname(folder)])]);
  const places = [...folders].flatMap((found) => knownExtensions.map((extension) => path.join(found, `migrate-mongo-config${extension}`)));
  const are = await Promise.all(places.map(isFile));
  const [first, ...others] = places.filter((_, index) => are[index]);
  if (others.length === 0 || first === undefined) return first;
  const names = [first, ...others].map((file) => path.relative(workspace, file));
  throw new GuardError('migration/config-invalid', `There are ${names.length} configurations of migrate-mongo: ${names.join(', ')}.`, {
    remedy: `Say which one counts, for example \`migrate-mongo-config: ${names[0]}\`; or remove the other.`,
  });
}

/** The folder in which a person would start migrate-mongo with `--file`: that of the nearest package.json within the workspace. */
async function projectFolder(configFile: string, workspace: string): Promise<string> {
  for (let folder = path.dirname(configFile); folder.startsWith(workspace) && folder !== workspace; folder = path.dirname(folder)) {
    if (await isFile(path.join(folder, 'package.json'))) return folder;
  }
  return workspace;
}

async function isFile(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined))?.isFile() === true;
}

async function readConfig(worker: Worker, file: string, { driver, workspace }: ProjectOptions): Promise<ProjectConfig> {
  try {
    return await worker.ask('config', { file, driver });
  } catch (error) {
    const { fault } = error instanceof WorkerRefusal ? error : {};
    if (fault === undefined || fault.name === 'DriverMissing') throw workerFailed(error, `Reading ${file}`);
    const place = placeOfFault(fault, workspace);
    throw new GuardError(
      'migration/config-invalid',
      `${path.relative(workspace, file)}${lineText(place)} cannot be read: ${fault.message}`,
      {
        cause: error,
        ...(place === undefined ? {} : { place }),
        ...(fault.remedy === undefined ? {} : { remedy: fault.remedy }),
      },
    );
  }
}

/** A configuration file without an extension means `.js`, as migrate-mongo has it. */
function extensions(config: ProjectConfig, configFile: string | undefined): readonly string[] | undefined {
  const { migrationFileExtension: extension = '.js' } = config;
  if (!extension.startsWith('.')) {
    throw new GuardError(
      'migration/config-invalid',
      `migrationFileExtension must start with a dot: it is "${extension}" in ${configFile}.`,
    );
  }
  return configFile === undefined ? undefined : [extension];
}

function historyOf({ history: { kind, collection } = { kind: 'migrate-mongo' } }: ProjectOptions, config: ProjectConfig): HistoryOptions {
  return { kind, collection: collection ?? (kind === 'migrate-mongo' ? config.changelogCollectionName : undefined) };
}

async function connectWorker(worker: Worker, target: Requests['connect']['ask']): Promise<void> {
  try {
    await worker.ask('connect', target);
  } catch (error) {
    throw workerFailed(error, 'Connecting the migrations to the database');
  }
}

interface LoaderParts {
  readonly options: ProjectOptions;
  readonly worker: Worker;
  readonly folder: string;
  /** Filled by each load. */
  readonly loaded: Map<string, LoadedFile>;
  readonly doubts: LoadFault[];
}

function loader({ options, worker, folder, loaded, doubts }: LoaderParts): Project['load'] {
  const { driver, names: steps = { up: 'up', down: 'down' }, log } = options;
  return async (files) => {
    const fresh = files.filter(({ name }) => !loaded.has(name)).map(({ name, path: file }) => ({ name, path: file }));
    if (fresh.length === 0) return loaded;
    const answer = await worker.ask('load', { folder, files: fresh, driver, names: steps }).catch((error: unknown): Loaded => {
      throw workerFailed(error, 'Loading the migrations');
    });
    log.info(`Migration files loaded: ${answer.files.length}; driver ${answer.driver.version} (${answer.driver.source})`);
    const paths = new Map(fresh.map((file) => [file.name, file.path]));
    const found = answer.files.flatMap((file) => faultsOf(file, { options, file: paths.get(file.name), driver: answer.driver }));
    const faults = found.filter(({ refused }) => refused);
    if (faults.length > 0) throw new LoadError(faults);
    doubts.push(...found);
    for (const file of answer.files) loaded.set(file.name, file);
    return loaded;
  };
}

interface LoadedWith {
  readonly options: ProjectOptions;
  /** Its path. */
  readonly file: string | undefined;
  readonly driver: Loaded['driver'];
}

function faultsOf(
  { name, fault, foreignBson, unset }: LoadedFile,
  parts: LoadedWith,
): readonly (LoadFault & { readonly refused: boolean })[] {
  const { options, file, driver } = parts;
  const placeIn = (found: Pick<Fault, 'file' | 'line' | 'column'>): Place => placeOfFault(found, options.workspace) ?? { file: name };
  if (fault !== undefined) {
    const { message, remedy } = fault;
    return [{ name, message, place: placeIn(fault), ...(remedy === undefined ? {} : { remedy }), refused: true }];
  }
  const doubts = unset.map(({ name: variable, ...place }) => ({
    name,
    message: `reads the environment variable ${variable}, which is not set`,
    place: placeIn(place),
    remedy: `Set it in \`env\` of the step, unless the file does without.`,
    refused: false,
  }));
  if (foreignBson.length === 0) return doubts;
  const message = `${foreignBson.join('; ')}, whose values the driver mongodb ${driver.version} (${driver.source}) refuses`;
  const remedy =
    'Bring them to one major version; or set `mixed-bson: allow` in the section migrate, if the file gives no values of theirs to db.';
  return [
    ...doubts,
    { name, message, place: placeIn(file === undefined ? {} : { file }), remedy, refused: options.refuseForeignBson !== false },
  ];
}
