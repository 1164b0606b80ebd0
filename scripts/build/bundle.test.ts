import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { freeDynamicImports } from './bundle.ts';

test("keeps the bundler's hands off imports of the user's files, and touches no other", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'bundle-'));
  try {
    const file = path.join(folder, 'load.js');
    const own = "const story = await import('./story.js');\n";
    await writeFile(file, `export const load = (url) => import(__rewriteRelativeImportExtension(/* webpackIgnore: true */ url));\n${own}`);
    await freeDynamicImports(file);
    expect(await readFile(file, 'utf8')).toBe(`export const load = (url) => import(/* webpackIgnore: true */ url);\n${own}`);
  } finally {
    await rm(folder, { recursive: true });
  }
});
