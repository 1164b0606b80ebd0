import { importFile } from './load.ts';
import type { ProjectConfig } from './protocol.ts';

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
