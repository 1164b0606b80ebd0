import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { defaultCacheFolder } from '@migration-guard/shared/embedded/binary';

/** Where `go install` puts programs for us. */
const goFolder = path.join(defaultCacheFolder(), 'bin');

/** The path of act, on PATH or in our cache; undefined when there is none. */
export function findAct(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), process.env['GOBIN'] ?? '', goFolder];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => path.join(folder, 'act'))
    .find((file) => existsSync(file));
}

/** Builds act with Go into our cache. Returns whether Go was there at all. */
export function installAct(): boolean {
  if (spawnSync('go', ['version']).status !== 0) return false;
  console.log('Building act (go install), about a minute …');
  const env = { ...process.env, GOBIN: goFolder };
  const { status } = spawnSync('go', ['install', 'github.com/nektos/act@v0.2.89'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error('go install github.com/nektos/act failed, see above.');
  return true;
}
