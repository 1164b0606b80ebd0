import { createRequire, registerHooks, type ResolveFnOutput, type ResolveHookContext } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Driver } from './driver.ts';
import { compile } from './typescript.ts';

const globalKey = Symbol.for('migration-guard.driver');
const scheme = 'migration-guard:';
const guesses = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '/index.ts', '/index.js'];

/**
 * Teaches this process to load migrations: `mongodb` and `bson` come from the chosen driver, TypeScript is compiled, and extensions may be
 * left out or say `.js` for a `.ts` file. What packages in node_modules import is left alone.
 */
export function installHooks(driver: Driver): void {
  Object.assign(globalThis, { [globalKey]: driver.module });
  registerHooks({
    resolve(specifier, context, next) {
      if (!isPackage(context)) {
        const served = serveDriver(specifier, driver, () => next(specifier, context));
        if (served !== undefined) return served;
      }
      try {
        return next(specifier, context);
      } catch (error) {
        if (isPackage(context) || !/^[./]|^file:/.test(specifier)) throw error;
        return firstThatResolves(candidates(specifier), (candidate) => next(candidate, context)) ?? rethrow(error);
      }
    },
    load(url, context, next) {
      if (url.startsWith(scheme)) return { format: 'module', source: reexport(url.slice(scheme.length), driver), shortCircuit: true };
      if (/^file:.*\.[cm]?ts$/.test(url) && !url.includes('/node_modules/')) return { ...compile(url), shortCircuit: true };
      return next(url, context);
    },
  });
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
