import { createPathsMatcher, getTsconfig, type TsConfigResult } from 'get-tsconfig';
import { toError } from '../../errors/guard-error.ts';

/** Finds out where an import could lie by `paths` and `baseUrl` of the tsconfig.json nearest to the importing file, `extends` included. */
export type AliasResolver = (specifier: string, importer: string) => readonly string[];

export function aliasResolver(): AliasResolver {
  const cache = new Map<string, never>();
  const matchers = new Map<string, ReturnType<typeof createPathsMatcher>>();
  return (specifier, importer) => {
    const config = nearest(importer, cache);
    if (config === null) return [];
    if (!matchers.has(config.path)) matchers.set(config.path, createPathsMatcher(config));
    return matchers.get(config.path)?.(specifier) ?? [];
  };
}

function nearest(importer: string, cache: Map<string, never>): TsConfigResult | null {
  try {
    return getTsconfig(importer, 'tsconfig.json', cache);
  } catch (error) {
    throw new Error(`The tsconfig.json nearest to ${importer} cannot be read: ${toError(error).message}`, { cause: error });
  }
}
