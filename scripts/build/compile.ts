import { spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { repository, type ActionFolder } from '../actions.ts';
import { freeDynamicImports } from './bundle.ts';

/** Compiles the actions and what they use to `lib` folders; returns whether the types are right. JavaScript is emitted even when not. */
export async function compile(actions: readonly ActionFolder[]): Promise<boolean> {
  const tsc = path.join(repository, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-b', ...actions.map(({ folder }) => folder)], { stdio: 'inherit' });
  for (const folder of [path.join(repository, 'shared'), ...actions.map((action) => action.folder)]) {
    const lib = path.join(folder, 'lib');
    const emitted = await readdir(lib, { recursive: true });
    for (const file of emitted.filter((name) => name.endsWith('.js'))) await freeDynamicImports(path.join(lib, file));
  }
  return status === 0;
}
