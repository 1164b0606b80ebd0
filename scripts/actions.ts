import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnySpec } from '@migration-guard/shared/action/spec';

export const repository = path.resolve(import.meta.dirname, '..');

/** One `action-<name>` folder. */
export interface ActionFolder {
  readonly name: string;
  readonly folder: string;
}

/** Every folder `action-<name>` that holds `file`, by name. Actions are discovered, never listed. */
export async function actionFolders(file: string): Promise<readonly ActionFolder[]> {
  const entries = await readdir(repository, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && entry.name.startsWith('action-') && existsSync(path.join(repository, entry.name, file)))
    .map((entry) => ({ name: entry.name.slice('action-'.length), folder: path.join(repository, entry.name) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export interface Action extends ActionFolder {
  readonly spec: AnySpec;
}

/** The specs of all actions, loaded from their sources. */
export async function actions(): Promise<readonly Action[]> {
  const folders = await actionFolders('spec.ts');
  return Promise.all(
    folders.map(async (found) => {
      const { spec } = (await import(pathToFileURL(path.join(found.folder, 'spec.ts')).href)) as { spec: AnySpec };
      return { ...found, spec };
    }),
  );
}

/** Entries of the bundle of an action: `bundle` in its package.json, the story's `src/main.ts` first. */
export async function bundleEntries(folder: string): Promise<readonly string[]> {
  const manifest = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as { bundle?: readonly string[] };
  return manifest.bundle ?? ['src/main.ts'];
}
