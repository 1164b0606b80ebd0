import type { RemoteCache } from '../embedded/binary.ts';
import { toError } from '../errors/guard-error.ts';
import type { Log } from '../log/log.ts';

/**
 * The cache service of GitHub Actions, for the server binary only (whoever can open a pull request can read a cache: never put data there).
 * Undefined where there is no such service. Failures are warnings: the binary can always be fetched anew.
 */
export async function actionsCache(log: Log, env: Readonly<Record<string, string | undefined>>): Promise<RemoteCache | undefined> {
  if (!env['ACTIONS_RESULTS_URL'] && !env['ACTIONS_CACHE_URL']) return undefined;
  const cache = await import('@actions/cache');
  const tolerant = async (what: string, work: () => Promise<unknown>): Promise<boolean> =>
    work().then(
      (result) => result !== undefined,
      (error: unknown) => {
        log.warning(`${what} failed: ${toError(error).message}`);
        return false;
      },
    );
  return {
    restore: (folder, key) => tolerant('Reading the cache of GitHub Actions', () => cache.restoreCache([folder], key)),
    save: async (folder, key) => void (await tolerant('Writing the cache of GitHub Actions', () => cache.saveCache([folder], key))),
  };
}
