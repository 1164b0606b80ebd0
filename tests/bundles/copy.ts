import { cp } from 'node:fs/promises';
import path from 'node:path';
import { actionFolders } from '../../scripts/actions.ts';

/** Copies action.yml and bundle of every action, and nothing else, into `target`. Returns the names of the actions. */
export async function copyBundles(target: string): Promise<readonly string[]> {
  const actions = await actionFolders('action.yml');
  for (const { folder } of actions) {
    const copy = path.join(target, path.basename(folder));
    await cp(path.join(folder, 'action.yml'), path.join(copy, 'action.yml'));
    await cp(path.join(folder, 'dist'), path.join(copy, 'dist'), { recursive: true });
  }
  return actions.map(({ name }) => name);
}
