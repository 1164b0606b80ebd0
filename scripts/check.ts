// npm run check [-- name…]: the checks of the repository, each a file check-<name>.ts that returns one line per violation.
import { readdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import path from 'node:path';

const names = readdirSync(import.meta.dirname).flatMap((file) => /^check-([\w-]+)\.ts$/.exec(file)?.[1] ?? []);
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`check: no check ${unknown.join(', ')}; there are ${names.join(', ')}.`);
  process.exit(2);
}

let failed = 0;
const chosen = names.filter((name) => wanted.length === 0 || wanted.includes(name));
for (const name of chosen) {
  const { check } = (await import(pathToFileURL(path.join(import.meta.dirname, `check-${name}.ts`)).href)) as {
    check: () => readonly string[] | Promise<readonly string[]>;
  };
  const violations = await check();
  console.log(`${violations.length === 0 ? '✓' : '✗'} ${name}`);
  for (const violation of violations) console.log(`  ${violation}`);
  if (violations.length > 0) failed += 1;
}
console.log(`${chosen.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
