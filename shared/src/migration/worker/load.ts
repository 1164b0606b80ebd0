import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Db, MongoClient } from 'mongodb';
import { toError } from '../../errors/guard-error.ts';
import { faultOf } from './fault.ts';
import type { Direction, LoadedFile, ProjectConfig } from './protocol.ts';

type Step = (db: Db, client: MongoClient) => unknown;
type Exports = Partial<Record<string, unknown>>;

/** A migration that could be loaded. */
export interface Migration {
  readonly path: string;
  /** Runs `up` or `down` to its end, old callback style included. */
  run(direction: Direction, db: Db, client: MongoClient): Promise<void>;
}

export interface LoadResult {
  readonly told: LoadedFile;
  readonly migration?: Migration;
}

/** Loads one file, which runs its top level; whatever is wrong with it is told, not thrown. */
export async function loadMigration(folder: string, name: string): Promise<LoadResult> {
  const file = path.join(folder, name);
  const nothing = { name, up: false, down: false, idempotent: false };
  try {
    const exported = unwrap(await importFile(file), (candidate) => isStep(candidate['up']) || isStep(candidate['down']));
    if (exported === undefined || !isStep(exported['up'])) {
      const message = `exports no function up${exported === undefined ? ' and no function down' : ''}`;
      const remedy = 'Export up(db, client) and down(db, client), as migrate-mongo expects them.';
      return { told: { ...nothing, fault: { name: 'Error', message, file, remedy } } };
    }
    const migration: Migration = { path: file, run: (direction, db, client) => call(exported, exported[direction] as Step, [db, client]) };
    return { told: { name, up: true, down: isStep(exported['down']), idempotent: exported['idempotent'] === true }, migration };
  } catch (error) {
    return { told: { ...nothing, fault: faultOf(error, file) } };
  }
}

/** Reads `migrate-mongo-config.js`: an object or a promise of one, CommonJS or ESM. */
export async function loadConfig(file: string): Promise<ProjectConfig> {
  const loaded = await importFile(file);
  const exported: unknown = unwrap(loaded, () => true);
  const config = (await Promise.resolve(exported)) as Readonly<Record<string, unknown>>;
  const { databaseName } = (config['mongodb'] ?? {}) as { databaseName?: unknown };
  return Object.fromEntries(
    Object.entries({ ...config, databaseName }).filter(([key, value]) => typeof value === configTypes[key as keyof ProjectConfig]),
  );
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

function importFile(file: string): Promise<Exports> {
  return import(/* webpackIgnore: true */ pathToFileURL(file).href) as Promise<Exports>;
}

/** The exports themselves or what lies under `default`, once for ESM, twice for CommonJS that was compiled from ESM. */
function unwrap(exported: Exports, fits: (candidate: Exports) => boolean): Exports | undefined {
  const inner = exported['default'] as Exports | undefined;
  const innermost = inner?.['default'] as Exports | undefined;
  return [innermost, inner, exported].find((candidate) => candidate !== undefined && candidate !== null && fits(candidate));
}

function isStep(value: unknown): value is Step {
  return typeof value === 'function';
}

function call(exported: Exports, step: Step, [db, client]: [Db, MongoClient]): Promise<void> {
  if (!takesCallback(step)) return Promise.resolve(step.call(exported, db, client)).then(() => undefined);
  return new Promise((resolve, reject) => {
    const done = (error?: unknown): void => (error === undefined || error === null ? resolve() : reject(toError(error)));
    // migrate-mongo before 7 passed the callback second when there were two parameters.
    const parameters: unknown[] = step.length === 2 ? [db, done] : [db, client, done];
    (step as (...all: unknown[]) => unknown).call(exported, ...parameters);
  });
}

/** migrate-mongo before 14 recognised callback style by the name of the last parameter. */
function takesCallback(step: Step): boolean {
  const parameters = /^[^(]*\(([^)]*)\)/.exec(step.toString())?.[1] ?? '';
  return /(^|,)\s*(callback|cb|next|done)_?\s*$/.test(parameters);
}
