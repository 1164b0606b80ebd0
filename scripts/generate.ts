// npm run generate [-- --check]: writes everything that is generated from the specs and the error table, or says what is stale.
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { actions, repository } from './actions.ts';
import { generatedFiles } from './generate/files.ts';

const files = await generatedFiles(await actions());
const stale: string[] = [];
for (const [name, content] of files) {
  const file = path.join(repository, name);
  if (existsSync(file) && (await readFile(file, 'utf8')) === content) continue;
  stale.push(name);
  if (process.argv.includes('--check')) continue;
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
}
const checking = process.argv.includes('--check');
for (const name of stale) console.log(checking ? `stale: ${name} (run npm run generate)` : `written: ${name}`);
if (stale.length === 0) console.log(`${files.size} generated files are fresh`);
if (checking && stale.length > 0) process.exit(1);
