import { pathToFileURL } from 'node:url';
import type { ImportGraph } from './bson-majors.ts';
import type { Driver } from './driver.ts';
import type { EnvironmentWatch, UnsetVariable } from './environment.ts';
import { faultOf } from './fault.ts';
import type { Fault, FileToLoad, LoadedFile } from './protocol.ts';
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

/** What a file of the project exports; its top level runs. */
export function importFile(file: string): Promise<Readonly<Record<string, unknown>>> {
  return import(/* webpackIgnore: true */ pathToFileURL(file).href) as Promise<Readonly<Record<string, unknown>>>;
}
