import { createPathsMatcher, getTsconfig, type TsConfigResult } from 'get-tsconfig';
import { toError } from '../../errors/guard-error.ts';

/** Finds out where an import could lie by `paths` and `baseUrl` of the tsconfig.json nearest to the importing file, `extends` included. */
export type AliasResolver = (specifier: string, importer: string) => readonly string[];

export function aliasResolver(): AliasResolver {
  const cache = new Map<string, never>();
  const matchers = new Map<string, ReturnType<typeof createPathsMatcher>>();
  return (specifier, importer) => {
    try {
      const config = getTsconfig(importer, 'tsconfig.json', cache);
      return config === null ? [] : (matcherOf(config)?.(specifier) ?? []);
    } catch (error) {
      throw new Error(`the nearest tsconfig.json cannot be used: ${toError(error).message}`, { cause: error });
    }
  };

  function matcherOf(config: TsConfigResult): ReturnType<typeof createPathsMatcher> {
    if (!matchers.has(config.path)) matchers.set(config.path, createPathsMatcher(config));
    return matchers.get(config.path) ?? null;
  }
}
