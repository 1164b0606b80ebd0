import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { actions, repository } from './actions.ts';
import { generatedFiles } from './generate/files.ts';

/** Everything generated is as the specs and the error table say, and every action has a README. */
export async function check(): Promise<readonly string[]> {
  const all = await actions();
  const stale = [...(await generatedFiles(all))].filter(([name, content]) => {
    const file = path.join(repository, name);
    return !existsSync(file) || readFileSync(file, 'utf8') !== content;
  });
  const missing = all.filter(({ folder }) => !existsSync(path.join(folder, 'README.md')));
  return [
    ...stale.map(([name]) => `${name} is stale: run npm run generate`),
    ...missing.map(({ name }) => `action-${name}/README.md is missing`),
  ];
}
