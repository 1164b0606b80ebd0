import { createRequire, registerHooks, type ResolveFnOutput, type ResolveHookContext } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { aliasResolver, type AliasResolver } from './aliases.ts';
import type { ImportGraph } from './bson-majors.ts';
import type { Driver } from './driver.ts';
import { compile } from './typescript.ts';

const globalKey = Symbol.for('migration-guard.driver');
const scheme = 'migration-guard:';
const guesses = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '/index.ts', '/index.js'];

export interface HookOptions {
  readonly driver: Driver;
  /** Told of every import. */
  readonly graph: ImportGraph;
}

/**
 * Teaches this process to load migrations: `mongodb` and `bson` come from the chosen driver, TypeScript is compiled, and extensions may be
 * left out or say `.js` for a `.ts` file. What packages in node_modules import is left alone.
 */
export function installHooks({ driver, graph }: HookOptions): void {
  serveModule(driver);
  const aliases = aliasResolver();
  registerHooks({
    resolve(specifier, context, next) {
      const found = isPackage(context) ? next(specifier, context) : resolveForUser(specifier, { context, driver, aliases, next });
      if (context.parentURL !== undefined) graph.add(context.parentURL, found.url);
      return found;
    },
    load(url, context, next) {
      if (url.startsWith(scheme)) return { format: 'module', source: reexport(url.slice(scheme.length), driver), shortCircuit: true };
      if (/^file:.*\.[cm]?ts$/.test(url) && !url.includes('/node_modules/')) return { ...compile(url), shortCircuit: true };
      return next(url, context);
    },
  });
}

/** Makes `driver` the one that migrations get which import it from now on. */
export function serveModule(driver: Driver): void {
  Object.assign(globalThis, { [globalKey]: driver.module });
}

interface Resolution {
  readonly context: ResolveHookContext;
  readonly driver: Driver;
  readonly aliases: AliasResolver;
  readonly next: (specifier: string, context: ResolveHookContext) => ResolveFnOutput;
}

/** The driver; else what an alias of tsconfig.json means, which goes before packages as in TypeScript; else what Node finds; else a guess. */
function resolveForUser(specifier: string, { context, driver, aliases, next }: Resolution): ResolveFnOutput {
  const resolve = (wanted: string): ResolveFnOutput => next(wanted, context);
  const served = serveDriver(specifier, driver, () => resolve(specifier));
  if (served !== undefined) return served;
  const isPath = /^(\.{0,2}\/|\.{1,2}$|file:)/.test(specifier);
  if (!isPath && !specifier.includes(':') && context.parentURL?.startsWith('file:') === true) {
    const places = aliases(specifier, fileURLToPath(context.parentURL)).map(importable(context));
    const aliased = firstThatResolves(
      places.flatMap((place) => [place, ...candidates(place)]),
      resolve,
    );
    if (aliased !== undefined) return aliased;
  }
  try {
    return resolve(specifier);
  } catch (error) {
    if (!isPath) throw error;
    return firstThatResolves(candidates(specifier), resolve) ?? rethrow(error);
  }
}

/** `require` takes paths, `import` takes addresses. */
function importable({ conditions }: ResolveHookContext): (file: string) => string {
  return conditions.includes('require') ? (file) => file : (file) => pathToFileURL(file).href;
}

function isPackage({ parentURL }: ResolveHookContext): boolean {
  return parentURL?.includes('/node_modules/') ?? false;
}

function serveDriver(specifier: string, driver: Driver, resolve: () => ResolveFnOutput): ResolveFnOutput | undefined {
  if (driver.file === undefined && (specifier === 'mongodb' || specifier === 'bson')) {
    return { url: scheme + specifier, format: 'module', shortCircuit: true };
  }
  if (driver.file === undefined || specifier !== 'bson') return undefined;
  try {
    return resolve();
  } catch {
    // Installed under the driver, where the migration itself does not see it.
    return { url: pathToFileURL(createRequire(driver.file).resolve('bson')).href, shortCircuit: true };
  }
}

/** A module that hands out what the driver exports, to `import` and to `require`. */
function reexport(name: string, driver: Driver): string {
  const isBson = name !== 'mongodb';
  const exported: object = isBson ? driver.module.BSON : driver.module;
  const names = Object.keys(exported).filter((key) => /^[A-Za-z_$][\w$]*$/.test(key) && key !== 'default');
  return [
    `const exported = globalThis[Symbol.for('migration-guard.driver')]${isBson ? '.BSON' : ''};`,
    'export default exported;',
    "export { exported as 'module.exports' };",
    ...names.map((key) => `export const ${key} = exported.${key};`),
  ].join('\n');
}

function candidates(specifier: string): string[] {
  const bare = specifier.replace(/\.([cm]?)js$/, '');
  const swapped = bare === specifier ? [] : [specifier.replace(/\.([cm]?)js$/, '.$1ts')];
  return [...swapped, ...guesses.map((guess) => specifier + guess)];
}

function firstThatResolves(specifiers: readonly string[], resolve: (specifier: string) => ResolveFnOutput): ResolveFnOutput | undefined {
  for (const specifier of specifiers) {
    try {
      return resolve(specifier);
    } catch {
      continue;
    }
  }
  return undefined;
}

function rethrow(error: unknown): never {
  throw error;
}
