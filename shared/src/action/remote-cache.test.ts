import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { silentLog } from '../log/log.ts';
import { startCacheService } from '../testing/cache-service.ts';
import { actionsCache } from './remote-cache.ts';

describe('actionsCache', () => {
  const before = { ...process.env };
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'cache-'));
  });

  afterEach(async () => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    await rm(folder, { recursive: true });
  });

  test('is absent outside of GitHub Actions', async () => {
    expect(await actionsCache(silentLog, {})).toBeUndefined();
  });

  test('brings back in the next job what this one saved, and nothing under another key', async () => {
    await using service = await startCacheService();
    Object.assign(process.env, service.env, { GITHUB_WORKSPACE: folder, RUNNER_TEMP: folder });
    const kept = path.join(folder, 'kept');
    await mkdir(kept);
    await writeFile(path.join(kept, 'mongod-6.0.5'), 'binary');
    const cache = await actionsCache(silentLog, service.env);
    await cache?.save(kept, 'mongod-linux-x64');
    await rm(kept, { recursive: true });
    expect(await cache?.restore(kept, 'mongod-win32-x64')).toBe(false);
    expect(await cache?.restore(kept, 'mongod-linux-x64')).toBe(true);
    expect(await readFile(path.join(kept, 'mongod-6.0.5'), 'utf8')).toBe('binary');
    expect(service.saved).toEqual(['mongod-linux-x64']);
  });

  test('is no reason to fail when the service is broken', async () => {
    const warnings: string[] = [];
    const env = { ACTIONS_CACHE_SERVICE_V2: 'true', ACTIONS_RESULTS_URL: 'http://127.0.0.1:1/', ACTIONS_RUNTIME_TOKEN: 'token' };
    Object.assign(process.env, env, { GITHUB_WORKSPACE: folder, RUNNER_TEMP: folder });
    const cache = await actionsCache({ ...silentLog, warning: (message) => void warnings.push(message) }, env);
    expect(await cache?.restore(path.join(folder, 'no', '..', '..', 'x,y'), 'a,b')).toBe(false);
    expect(warnings[0]).toContain('Reading the cache of GitHub Actions failed');
  });
});
