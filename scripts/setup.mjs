// Sets up what `npm run demo`, `npm test` and the other scripts need. Plain Node >= 20, no dependencies; nothing to do = under 0.3 s.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const stampFile = path.join(root, 'node_modules', '.cache', 'migration-guard-setup.json');

function fail(message) {
  console.error(`setup: ${message}`);
  process.exit(1);
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return {};
  }
}

function writeStamp(stamp) {
  mkdirSync(path.dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, JSON.stringify(stamp));
}

function fingerprint(file) {
  const found = statSync(file, { throwIfNoEntry: false });
  return found ? `${file} ${found.size} ${found.mtimeMs}` : undefined;
}

function installPackages(lock) {
  console.log('setup: installing packages (npm ci) …');
  const npm = process.env.npm_execpath;
  const [command, args] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const result = spawnSync(command, [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
    shell: command === 'npm' && process.platform === 'win32',
  });
  if (result.status !== 0) fail(`npm ci failed (exit ${result.status}). Run it by hand to see why.`);
  writeStamp({ lock });
}

/** The Node 24 that npm put on its PATH; without one of our optional packages (macOS) the running Node has to do. */
function node24() {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const bundled = path.join(root, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(bundled)) return bundled;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  return fail(`Node 24 is needed, this is ${process.versions.node}, and no package ${name} is installed. Install Node 24 (see .nvmrc).`);
}

function ensureMongod() {
  const result = spawnSync(node24(), ['--conditions=source', path.join(root, 'scripts', 'ensure-mongod.ts')], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (result.status !== 0) fail('no mongod, see above.');
  return JSON.parse(result.stdout.trim().split('\n').at(-1));
}

const lock = createHash('sha256')
  .update(readFileSync(path.join(root, 'package-lock.json')))
  .digest('hex');
if (readStamp().lock !== lock) installPackages(lock);
node24();

const stamp = readStamp();
const wanted = process.env.MONGOD_BINARY ?? '';
if (stamp.wanted !== wanted || !stamp.mongod || fingerprint(stamp.mongod.path) !== stamp.fingerprint) {
  const mongod = ensureMongod();
  writeStamp({ lock, wanted, mongod, fingerprint: fingerprint(mongod.path) });
  console.log(`setup: mongod ${mongod.version} (${mongod.source}: ${mongod.path})`);
}
