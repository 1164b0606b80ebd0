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

/** What a check finds; its own failure is a violation too, and the other checks still run. */
async function violationsOf(name: string): Promise<readonly string[]> {
  try {
    const file = pathToFileURL(path.join(import.meta.dirname, `check-${name}.ts`)).href;
    const { check } = (await import(file)) as { check: () => readonly string[] | Promise<readonly string[]> };
    return await check();
  } catch (error) {
    return [`the check itself failed: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`];
  }
}

let failed = 0;
const chosen = names.filter((name) => wanted.length === 0 || wanted.includes(name));
for (const name of chosen) {
  const violations = await violationsOf(name);
  console.log(`${violations.length === 0 ? '✓' : '✗'} ${name}`);
  for (const violation of violations) console.log(`  ${violation}`);
  if (violations.length > 0) failed += 1;
}
console.log(`${chosen.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
