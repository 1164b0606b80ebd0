// migrate-mongo's own integration suite, unchanged, as its package ships it. It calls `../bin/migrate-mongo.js` beside its folder: here that
// is the command over our engine.
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const stock = path.resolve(fileURLToPath(import.meta.resolve('migrate-mongo')), '../..');
const place = await mkdtemp(path.join(tmpdir(), 'stock-suite-'));
await mkdir(path.join(place, 'bin'));
await writeFile(path.join(place, 'package.json'), '{"type":"module"}');
await writeFile(
  path.join(place, 'bin/migrate-mongo.js'),
  `await import(${JSON.stringify(pathToFileURL(path.resolve(import.meta.dirname, 'command.ts')).href)});\n`,
);

process.env['NODE_OPTIONS'] = '--conditions=source --disable-warning=ExperimentalWarning';
process.env['MONGOMS_SYSTEM_BINARY'] = process.env['MONGOD_BINARY'];
process.env['MONGOMS_SYSTEM_BINARY_VERSION_CHECK'] = 'false';
Object.assign(globalThis, { __dirname: path.join(place, 'test') });

await import(pathToFileURL(path.join(stock, 'test/integration.test.js')).href);
