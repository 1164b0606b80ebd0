import { pathToFileURL } from 'node:url';
import type { ImportGraph } from './bson-majors.ts';
import type { Driver } from './driver.ts';
import type { EnvironmentWatch, UnsetVariable } from './environment.ts';
import { faultOf } from './fault.ts';
import type { Fault, FileToLoad, LoadedFile, ProjectConfig } from './protocol.ts';
import { shapeOf, type Shape, type StepNames } from './shape.ts';

/** A migration that could be loaded. */
export interface Migration extends Pick<Shape, 'run'> {
  readonly path: string;
}

export interface LoadResult {
  readonly told: LoadedFile;
  readonly migration?: Migration;
}

export interface LoadOptions {
  readonly names: StepNames;
  readonly driver: Driver;
  readonly graph: ImportGraph;
  readonly environment: EnvironmentWatch;
}

/** Loads one file, which runs its top level; whatever is wrong with it is told, not thrown. */
export async function loadMigration(
  { name, path: file }: FileToLoad,
  { names, driver, graph, environment }: LoadOptions,
): Promise<LoadResult> {
  const nothing = { name, up: false, down: false, idempotent: false, unset: [], foreignBson: [] };
  environment.take();
  try {
    const shape = shapeOf(await importFile(file), names);
    if ('message' in shape) return { told: { ...nothing, fault: { name: 'Error', file, ...shape } } };
    const { down, className, run } = shape;
    const told: LoadedFile = {
      name,
      up: true,
      down,
      idempotent: shape.constant('idempotent') === true,
      ...transactionOf(shape.constant('transaction')),
      ...(className === undefined ? {} : { className }),
      unset: environment.take(),
      foreignBson: graph.foreignBson(file, driver),
    };
    return { told, migration: { path: file, run } };
  } catch (error) {
    return { told: { ...nothing, fault: withVariables(faultOf(error, file), environment.take()) } };
  }
}

function transactionOf(value: unknown): Pick<LoadedFile, 'transaction'> {
  return typeof value === 'boolean' ? { transaction: value } : {};
}

/** A file that threw while it was loaded, and looked for variables that are not set, most likely threw for the want of them. */
export function withVariables(fault: Fault, unset: readonly UnsetVariable[]): Fault {
  if (fault.remedy !== undefined || unset.length === 0) return fault;
  const names = unset.map(({ name }) => name).join(', ');
  return { ...fault, remedy: `It reads ${names}, not set here: set ${unset.length === 1 ? 'it' : 'them'} in \`env\` of the step.` };
}

/** What the parent needs of migrate-mongo's configuration file, and what stays here because it cannot be sent. */
export interface LoadedConfig {
  readonly config: ProjectConfig;
  /** `mongodb.options`, for the client of the migrations. */
  readonly clientOptions: Readonly<Record<string, unknown>>;
}

/** Reads the configuration file of migrate-mongo: an object, a promise of one, or a function that gives either; CommonJS, ESM or TypeScript. */
export async function loadConfig(file: string): Promise<LoadedConfig> {
  const exported: unknown = unwrapped(await importFile(file));
  const config = (await (typeof exported === 'function' ? (exported as () => unknown)() : exported)) as Readonly<
    Record<string, unknown>
  > | null;
  if (typeof config !== 'object' || config === null) throw new Error('it exports no object');
  refuseUnusable(config);
  const { databaseName, options } = (config['mongodb'] ?? {}) as { databaseName?: unknown; options?: unknown };
  const known = Object.entries({ ...config, databaseName }).filter(
    ([key, value]) => typeof value === configTypes[key as keyof ProjectConfig],
  );
  return { config: Object.fromEntries(known), clientOptions: typeof options === 'object' && options !== null ? withoutDead(options) : {} };
}

/** migrate-mongo's sample configuration long held two options without effect since driver 4, which driver 7 refuses. */
function withoutDead(options: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => name !== 'useNewUrlParser' && name !== 'useUnifiedTopology'));
}

const configTypes: Readonly<Record<keyof ProjectConfig, string>> = {
  migrationsDir: 'string',
  changelogCollectionName: 'string',
  lockCollectionName: 'string',
  lockTtl: 'number',
  migrationFileExtension: 'string',
  useFileHash: 'boolean',
  databaseName: 'string',
};

/** A name that is there but no text, such as one of an unset variable: the default in its place would be another collection or folder. */
function refuseUnusable(config: Readonly<Record<string, unknown>>): void {
  for (const key of ['changelogCollectionName', 'migrationsDir', 'migrationFileExtension'] as const) {
    if (key in config && typeof config[key] !== 'string') throw new Error(`${key} is ${String(config[key])}, not a text`);
  }
}

type Exports = Readonly<Record<string, unknown>>;

/** CommonJS that was compiled from ESM has two defaults around what it means. */
function unwrapped(exported: Exports): unknown {
  const inner = exported['default'];
  const innermost = typeof inner === 'object' && inner !== null ? (inner as Exports)['default'] : undefined;
  return innermost ?? inner ?? exported;
}

function importFile(file: string): Promise<Exports> {
  return import(/* webpackIgnore: true */ pathToFileURL(file).href) as Promise<Exports>;
}
