import { mkdir, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { silentLog } from '../log/log.ts';
import { makeCheckout } from '../testing/checkout.ts';
import { workerProgram } from '../testing/migration-worker.ts';
import { LoadError, openProject, type Project, type ProjectOptions } from './project.ts';

const cleanUps: (() => PromiseLike<unknown>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function checkout(files: Readonly<Record<string, string>>): Promise<string> {
  const made = await makeCheckout(files);
  cleanUps.push(() => made[Symbol.asyncDispose]());
  return made.folder;
}

async function open(files: Readonly<Record<string, string>>, options: Partial<ProjectOptions> = {}): Promise<Project> {
  const workspace = options.workspace ?? (await checkout(files));
  const project = await openProject({
    workspace,
    folder: undefined,
    driver: 'auto',
    program: workerProgram,
    env: process.env,
    log: silentLog,
    ...options,
  });
  cleanUps.push(() => project.worker.kill());
  return project;
}

async function faultsOf(files: Readonly<Record<string, string>>): Promise<LoadError['faults']> {
  const project = await open(files);
  const error = await project.load(project.files).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof LoadError) return error.faults;
  throw new Error('The files were loaded.');
}

const step = 'async (db) => {}';

describe('loading migrations', () => {
  test.each([
    ['CommonJS', '1.js', `const { ObjectId } = require('mongodb'); new ObjectId(); module.exports = { up: ${step}, down: ${step} };`],
    ['CommonJS with the extension .cjs', '1.cjs', `exports.up = ${step}; exports.down = ${step};`],
    [
      'ESM in a .js file',
      '1.js',
      `import { ObjectId } from 'mongodb'; new ObjectId(); export const up = ${step}; export const down = ${step};`,
    ],
    [
      'ESM with a default export',
      '1.mjs',
      `import { Long } from 'bson'; Long.fromNumber(1); export default { up: ${step}, down: ${step} };`,
    ],
    ['top-level await', '1.mjs', `await Promise.resolve(); export const up = ${step}, down = ${step};`],
    ['CommonJS that was compiled from ESM', '1.js', `exports.__esModule = true; exports.default = { up: ${step}, down: ${step} };`],
    [
      'BSON classes of one identity',
      '1.js',
      `if (require('bson').ObjectId !== require('mongodb').ObjectId) throw new Error('two'); exports.up = exports.down = ${step};`,
    ],
    [
      'TypeScript',
      '1.ts',
      `import { Db, ObjectId } from 'mongodb'; enum E { A }; export const up = async (db: Db): Promise<void> => { new ObjectId(E.A as never); }; export const down = ${step};`,
    ],
    [
      'TypeScript with parameter properties',
      '1.ts',
      `class A { constructor(private readonly n: number) {} } new A(1); export = { up: ${step}, down: ${step} };`,
    ],
    [
      'TypeScript with top-level await',
      '1.mts',
      `const n: number = await Promise.resolve(1); export const up = ${step}; export const down = ${step};`,
    ],
    [
      'a typed callback of old',
      '1.cts',
      `exports.up = (db: unknown, client: unknown, next: () => void) => next(); exports.down = ${step};`,
    ],
  ])('knows %s', async (_what, name, source) => {
    const project = await open({ [`migrations/${name}`]: source });
    const loaded = await project.load(project.files);
    expect([...loaded.values()]).toEqual([{ name, up: true, down: true, idempotent: false }]);
  });

  test('TypeScript may import neighbours without extension, by .js, and by a folder', async () => {
    const project = await open({
      'migrations/1.ts': `import { a } from './lib/a'; import { b } from '../b.js'; import { c } from '../c'; export const up = async () => a + b + c;`,
      'migrations/lib/a.ts': 'export const a: number = 1;',
      'b.ts': 'export const b: number = 1;',
      'c/index.ts': 'export const c: number = 1;',
    });
    const loaded = await project.load(project.files);
    expect(loaded.get('1.ts')).toMatchObject({ up: true, down: false });
  });

  test('a module project keeps ESM in its TypeScript', async () => {
    const project = await open({
      'package.json': '{"type":"module"}',
      'migrations/1.ts': `export const up = async (): Promise<string> => import.meta.url;`,
    });
    await expect(project.load(project.files)).resolves.toBeDefined();
  });

  test('every fault of every file is named with its line, before anything runs', async () => {
    const faults = await faultsOf({
      'migrations/1.js': `exports.up = ${step};`,
      'migrations/2.js': `'use strict';\nconst _ = require('not-installed');\nexports.up = ${step};`,
      'migrations/3.mjs': `// first\nimport x from 'neither-this';\nexport const up = ${step};`,
      'migrations/4.js': `const a = 1;\nconst b = ;\n`,
      'migrations/5.ts': `const a: number = 1;\nconst b: = 2;\n`,
      'migrations/6.js': `exports.upp = ${step};`,
      'migrations/7.js': `\n\nconst value = process.env.NOT_SET.trim();\nexports.up = ${step};`,
    });
    expect(faults.map(({ name, place }) => [name, place.file, place.line])).toEqual([
      ['2.js', 'migrations/2.js', 2],
      ['3.mjs', 'migrations/3.mjs', 2],
      ['4.js', 'migrations/4.js', 2],
      ['5.ts', 'migrations/5.ts', 2],
      ['6.js', 'migrations/6.js', undefined],
      ['7.js', 'migrations/7.js', 3],
    ]);
    expect(faults[0]?.message).toContain("'not-installed'");
    expect(faults[4]?.message).toContain('exports no function up');
  });

  test('a file that calls process.exit while it is loaded is named', async () => {
    const project = await open({ 'migrations/1.js': `exports.up = ${step};\nprocess.exit(0);` });
    await expect(project.load(project.files)).rejects.toMatchObject({
      code: 'migration/worker-failed',
      message: expect.stringContaining('process.exit(0) was called'),
    });
  });
});

describe('the driver of a migration', () => {
  test("is the project's own where it is installed, for bson too", async () => {
    const workspace = await checkout({
      'migrations/1.mjs': `import * as mongodb from 'mongodb'; import { ObjectId } from 'bson'; if (mongodb.ObjectId !== ObjectId) throw new Error('two'); export const up = ${step};`,
    });
    const installed = path.dirname(createRequire(import.meta.url).resolve('mongodb/package.json'));
    await mkdir(path.join(workspace, 'node_modules'));
    await symlink(installed, path.join(workspace, 'node_modules', 'mongodb'));
    const lines: string[] = [];
    const project = await open({}, { workspace, log: { ...silentLog, info: (line) => lines.push(line) } });
    await project.load(project.files);
    expect(lines).toEqual([expect.stringContaining('(project)')]);
  });

  test('is refused when it must be the one of the project and is not installed', async () => {
    const project = await open({ 'migrations/1.js': `exports.up = ${step};` }, { driver: 'project' });
    await expect(project.load(project.files)).rejects.toMatchObject({ code: 'migration/driver-missing' });
  });
});

describe('the configuration of migrate-mongo', () => {
  test.each([
    [
      'CommonJS',
      `module.exports = { mongodb: { databaseName: 'shop' }, migrationsDir: 'db', changelogCollectionName: 'log', useFileHash: true };`,
    ],
    [
      'ESM',
      `export default { mongodb: { databaseName: 'shop' }, migrationsDir: 'db', changelogCollectionName: 'log', useFileHash: true };`,
    ],
    [
      'a promise',
      `module.exports = Promise.resolve({ mongodb: { databaseName: 'shop' }, migrationsDir: 'db', changelogCollectionName: 'log', useFileHash: true });`,
    ],
  ])('is read as %s', async (_what, config) => {
    const project = await open({ 'migrate-mongo-config.js': config, 'db/1.js': '', 'db/2.ts': '', 'db/sample-migration.js': '' });
    expect(project.config).toEqual({ databaseName: 'shop', migrationsDir: 'db', changelogCollectionName: 'log', useFileHash: true });
    expect(project.files.map(({ name }) => name)).toEqual(['1.js']);
    expect(project.history.collection).toBe('log');
  });

  test('that throws is refused with its line', async () => {
    await expect(open({ 'migrate-mongo-config.js': `\nthrow new Error('no');`, 'migrations/1.js': '' })).rejects.toMatchObject({
      code: 'migration/worker-failed',
      place: { line: 2 },
    });
  });

  test('a folder that is not there is refused', async () => {
    await expect(open({})).rejects.toMatchObject({ code: 'migration/folder-not-found' });
  });
});
