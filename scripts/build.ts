// npm run build -- [name…] [--out folder] [--despite-type-errors]: tsc -b, then one self-contained bundle per action.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { actionFolders, repository } from './actions.ts';
import { bundleAction } from './build/bundle.ts';
import { compile } from './build/compile.ts';
import { takeBuildLock } from './build/lock.ts';
import { measureBundle } from './build/measure.ts';

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string' }, 'despite-type-errors': { type: 'boolean', default: false } },
});

function fail(message: string): never {
  console.error(`build: ${message}`);
  process.exit(1);
}

const all = await actionFolders(path.join('src', 'main.ts'));
const unknown = wanted.find((name) => !all.some((action) => action.name === name));
if (unknown !== undefined) fail(`there is no action ${unknown}; there are ${all.map(({ name }) => name).join(', ')}.`);
const chosen = all.filter(({ name }) => wanted.length === 0 || wanted.includes(name));

const cache = path.join(repository, 'node_modules', '.cache');
await mkdir(cache, { recursive: true });
await takeBuildLock(path.join(cache, 'migration-guard-build.lock'));
const typesAreRight = await compile(chosen);
if (!typesAreRight && !options['despite-type-errors']) fail('type errors, see above (--despite-type-errors bundles anyway).');

for (const action of chosen) {
  const started = performance.now();
  const dist = path.join(options.out ?? repository, `action-${action.name}`, 'dist');
  await bundleAction(action, dist);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const { megabytes, startMilliseconds } = await measureBundle(dist);
  console.log(`${action.name}: ${megabytes.toFixed(2)} MB, first log line after ${startMilliseconds} ms (built in ${seconds} s)`);
}
