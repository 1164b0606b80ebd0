import path from 'node:path';
import type { Log } from '../log/log.ts';
import { endsInTime, type TimeLimit } from './ends-in-time.ts';
import { discover, knownExtensions, nameWithoutExtension, type MigrationFile } from './files.ts';
import type { History, HistoryKind } from './history/history.ts';
import { openHistory, type HistoryOptions } from './history/open.ts';
import { endless, faultOfFile, faultsOf, LoadError, type LoadFault } from './load-faults.ts';
import { extensionsOf, findStockConfig, projectFolder, readStockConfig } from './stock-config.ts';
import type { DriverChoice, Loaded, LoadedFile, ProjectConfig, Requests } from './worker/protocol.ts';
import type { StepNames } from './worker/shape.ts';
import type { WriteReport } from './write-command.ts';
import { driverCodes, startWorker, workerFailed, WorkerRefusal, type Worker, type WorkerProgram } from './worker.ts';

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
  /** How long the configuration, or the top level of one file, may take, milliseconds; default a minute. */
  readonly loadLimit?: number;
  readonly signal?: AbortSignal;
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
  /** Where there are no files: a sentence that says where they were looked for. */
  readonly nothingFound: string | undefined;
  /** From migrate-mongo's configuration file, empty without one. */
  readonly config: ProjectConfig;
  readonly history: History;
  /** Lines that migrations wrote to stderr since the last call. */
  takeWarnings(): readonly string[];
  /** What is doubtful about the files that were loaded since the last call, although they could be loaded. */
  takeLoadWarnings(): readonly LoadFault[];
  /** Connects the process of the migrations, with the driver that they get. Throws `migration/worker-failed`. */
  connect(target: Requests['connect']['ask']): Promise<void>;
  /** From now on tells `listener` of the write commands of migrations. Throws `migration/worker-failed`. */
  recordWrites(listener: (report: WriteReport) => void): Promise<void>;
  /** Loads files; those that are loaded already are not loaded again. Throws `migration/load-failed` with every fault of every file. */
  load(files: readonly MigrationFile[]): Promise<ReadonlyMap<string, LoadedFile>>;
}

/**
 * Finds the migrations of a project and starts its worker. migrate-mongo's configuration is read when it lies in the workspace or beside
 * the folder. Throws `migration/folder-not-found`, `migration/config-invalid`, `migration/worker-failed`, `migration/driver-missing`.
 */
export async function openProject(options: ProjectOptions): Promise<Project> {
  const { workspace, program, env, log, hasFiles = true, loadLimit: limit = 60_000, signal } = options;
  const warnings: string[] = [];
  const configFile = hasFiles ? (options.configFile ?? (await findStockConfig(options))) : undefined;
  const cwd =
    options.configFile === undefined
      ? path.dirname(configFile ?? path.join(workspace, 'none'))
      : await projectFolder(options.configFile, workspace);
  const worker = startWorker({ program, cwd, env, log, onWarning: (line) => warnings.push(line) });
  try {
    const config = configFile === undefined ? {} : await readStockConfig(worker, configFile, { ...options, limit, signal });
    const folder = options.folder ?? path.resolve(cwd, config.migrationsDir ?? 'migrations');
    const extensions = extensionsOf(config, configFile);
    const files = hasFiles ? await discover(folder, extensions) : [];
    const loaded = new Map<string, LoadedFile>();
    const doubts: LoadFault[] = [];
    const classNameOf = (name: string): string => loaded.get(name)?.className ?? nameWithoutExtension(name);
    return {
      worker,
      workspace,
      folder,
      files,
      nothingFound: hasFiles && files.length === 0 ? emptyFolder(path.relative(workspace, folder), extensions) : undefined,
      config,
      history: { ...openHistory({ ...historyOf(options, config), classNameOf }), ...(hasFiles ? {} : emptyHistory) },
      takeWarnings: () => warnings.splice(0),
      takeLoadWarnings: () => doubts.splice(0),
      connect: async (to) => {
        await asked(worker.ask('connect', to), 'Connecting the migrations to the database', workspace);
      },
      recordWrites: async (listener) => {
        worker.followWrites(listener);
        await asked(worker.ask('record', {}), 'Recording the writes of the migrations', workspace);
      },
      load: loader({ options, worker, folder, loaded, doubts, time: { worker, limit, signal } }),
      [Symbol.asyncDispose]: () => worker.kill(),
    };
  } catch (error) {
    await worker.kill();
    throw error;
  }
}

/** What a database records is not about files that there are none of. */
const emptyHistory: Pick<History, 'read' | 'failures'> = { read: () => Promise.resolve([]), failures: () => Promise.resolve(new Map()) };

function historyOf({ history: { kind, collection } = { kind: 'migrate-mongo' } }: ProjectOptions, config: ProjectConfig): HistoryOptions {
  return { kind, collection: collection ?? (kind === 'migrate-mongo' ? config.changelogCollectionName : undefined) };
}

function emptyFolder(folder: string, extensions: readonly string[] = knownExtensions): string {
  return `There is no migration in ${folder}: no file there ends in ${extensions.join(', ')}.`;
}

async function asked(answer: Promise<null>, doing: string, workspace: string): Promise<void> {
  try {
    await answer;
  } catch (error) {
    throw workerFailed(error, doing, workspace);
  }
}

interface LoaderParts {
  readonly options: ProjectOptions;
  readonly worker: Worker;
  readonly folder: string;
  /** Filled by each load. */
  readonly loaded: Map<string, LoadedFile>;
  readonly doubts: LoadFault[];
  readonly time: TimeLimit;
}

function loader({ options, worker, folder, loaded, doubts, time }: LoaderParts): Project['load'] {
  const { workspace, driver, names = { up: 'up', down: 'down' }, refuseForeignBson = true, log } = options;
  const loadOne = async ({ name, path: file }: MigrationFile): Promise<Loaded> => {
    const asked = worker.ask('load', { folder, file: { name, path: file }, driver, names });
    const answer = await endsInTime(asked, time).catch((error: unknown): Loaded => {
      if (!(error instanceof WorkerRefusal) || driverCodes[error.fault.name] !== undefined)
        throw workerFailed(error, 'Loading the migrations', workspace);
      throw new LoadError([faultOfFile(name, error.fault, workspace)]);
    });
    if (answer === 'late') throw new LoadError([endless(name, path.relative(workspace, file), time.limit)]);
    return answer;
  };
  return async (files) => {
    const fresh = files.filter(({ name }) => !loaded.has(name));
    const answers: Loaded[] = [];
    for (const file of fresh) answers.push(await loadOne(file));
    const [first] = answers;
    if (first === undefined) return loaded;
    log.info(`Migration files loaded: ${answers.length}; driver ${first.driver.version} (${first.driver.source})`);
    const found = answers.flatMap(({ file, driver: used }, index) =>
      faultsOf(file, { workspace, path: fresh[index]?.path, driver: used, refuseForeignBson }),
    );
    const faults = found.filter(({ refused }) => refused);
    if (faults.length > 0) throw new LoadError(faults);
    doubts.push(...found);
    for (const { file } of answers) loaded.set(file.name, file);
    return loaded;
  };
}
