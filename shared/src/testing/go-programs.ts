import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { defaultCacheFolder } from '../embedded/binary.ts';

const modules = {
  versitygw: 'github.com/versity/versitygw/cmd/versitygw@v1.8.0',
  age: 'filippo.io/age/cmd/age@v1.3.2',
  'age-keygen': 'filippo.io/age/cmd/age-keygen@v1.3.2',
} as const;

/** Programs that tests have as peers and that are built from source by name. */
export type GoProgram = keyof typeof modules;
export const goPrograms = Object.keys(modules) as readonly GoProgram[];

/** Where `go install` puts programs for us. */
const goFolder = path.join(defaultCacheFolder(), 'bin');

/** The path of a program, on PATH or in our cache; `undefined` when there is none. */
export function findProgram(name: GoProgram): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), process.env['GOBIN'] ?? '', goFolder];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => path.join(folder, name))
    .find((file) => existsSync(file));
}

/** Builds a program with Go into our cache. Returns whether Go was there at all. */
export function installProgram(name: GoProgram): boolean {
  if (spawnSync('go', ['version']).status !== 0) return false;
  console.log(`Building ${name} (go install), up to two minutes …`);
  const env = { ...process.env, GOBIN: goFolder };
  const { status } = spawnSync('go', ['install', modules[name]], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`go install ${modules[name]} failed, see above.`);
  return true;
}

/** The path of a program that must be there: `npm run ensure:s3` sees to it. */
export function requireProgram(name: GoProgram): string {
  const file = findProgram(name);
  if (file === undefined) throw new Error(`${name} is not here: run npm run ensure:s3.`);
  return file;
}
