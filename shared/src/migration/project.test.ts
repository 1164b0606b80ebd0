import { mkdir, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { silentLog } from '../log/log.ts';
import { makeCheckout } from '../testing/checkout.ts';
import { workerProgram } from '../testing/migration-worker.ts';
import { sharedUri } from '../testing/mongod.ts';
import { LoadError } from './load-faults.ts';
import { openProject, type Project, type ProjectOptions } from './project.ts';

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
    ['a default class that takes db in its methods', '1.js', `module.exports = class A1697 { async up(db) {} async down(db) {} };`],
    [
      'an exported class that takes db in its constructor',
      '1.ts',
      `export class AddUserStatus1697280000000 { db: unknown; constructor(db: unknown) { this.db = db; } async up() {} async down() {} }`,
    ],
    ['an instance', '1.mjs', `class A { async up() {} async down() {} } export default new A();`],
  ])('knows %s', async (_what, name, source) => {
    const project = await open({ [`migrations/${name}`]: source });
    const loaded = await project.load(project.files);
    expect([...loaded.values()]).toEqual([
      expect.objectContaining({ name, up: true, down: true, idempotent: false, unset: [], foreignBson: [] }),
    ]);
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
    expect(faults[0]?.remedy).toContain('Install not-installed before');
    expect(faults[4]?.message).toContain('exports no function up');
  });

  test('a file that an installed package does not have is no missing package', async () => {
    const [fault] = await faultsOf({
      'migrations/1.js': `require('@team/models/dist/user.json'); exports.up = ${step};`,
      'node_modules/@team/models/package.json': '{}',
    });
    expect(fault?.remedy).toContain('Install @team/models before this step (run npm ci first), in a version that has this file');
  });

  test('paths of the nearest tsconfig.json, those that it extends included, lead to the modules of the repository', async () => {
    const project = await open({
      'tsconfig.base.json': `{ // shared\n "compilerOptions": { "baseUrl": ".", "paths": { "@app/*": ["src/*"], }, }, }`,
      'tsconfig.json': `{ "extends": "./tsconfig.base.json" }`,
      'src/models/user.ts': `export const name: string = 'users';`,
      'src/settings.js': `exports.limit = 10;`,
      'migrations/1.ts': `import { name } from '@app/models/user'; import { limit } from '@app/settings'; if (name !== 'users' || limit !== 10) throw new Error('other'); export const up = async () => {};`,
      'migrations/2.mts': `import { name } from '@app/models/user.js'; if (name !== 'users') throw new Error('other'); export const up = async () => {};`,
      'migrations/3.js': `if (require('@app/models/user').name !== 'users') throw new Error('other'); exports.up = async () => {};`,
    });
    await expect(project.load(project.files)).resolves.toBeDefined();
  });

  test('functions may be called as the configuration says', async () => {
    const files = {
      'migrations/1.js': `exports.migrate = ${step}; exports.rollback = ${step};`,
      'migrations/2.js': `exports.up = ${step};`,
      'migrations/3.js': `exports.A = class A { migrate() {} };`,
    };
    const project = await open(files, { names: { up: 'migrate', down: 'rollback' } });
    const loaded = await project.load(project.files);
    expect([...loaded.values()].map(({ up, down, className }) => [up, down, className])).toEqual([
      [true, true, undefined],
      [true, false, undefined],
      [true, false, 'A'],
    ]);
  });

  test.each([
    [
      'two classes',
      'exports.A = class A { up() {} }; exports.B = class B { up() {} };',
      'exports 2 migrations (A, B)',
      'a file of its own',
    ],
    [
      'a class that wants more than it can get',
      'exports.A = class A { constructor(a, b, c) {} up() {} };',
      'takes 3 values',
      'Only db and client',
    ],
    ['a class with nothing but down', 'exports.A = class A { down() {} };', 'without a method up', 'or a class'],
    ['nothing but down', 'exports.down = () => {};', 'exports no function up', 'Export up(db, client)'],
  ])('%s: refused with a remedy', async (_what, source, message, remedy) => {
    const [fault] = await faultsOf({ 'migrations/1.js': source });
    expect(fault?.message).toContain(message);
    expect(fault?.remedy).toContain(remedy);
  });

  test.each([
    [
      '1.ts',
      `import { x } from './lib/x';\nfunction Entity() { return (_: unknown) => {}; }\n@Entity()\nclass A {}\nexport const up = async () => {};`,
    ],
    ['1.mts', `function Entity() { return (_: unknown) => {}; }\n\n@Entity() class A {}\nexport const up = async () => {};`],
  ])('decorators in %s are refused with their line and a way out', async (name, source) => {
    const [fault] = await faultsOf({ [`migrations/${name}`]: source, 'migrations/lib/x.ts': 'export const x = 1;' });
    expect(fault?.message).toContain('it uses decorators');
    expect(fault?.remedy).toContain('db.collection');
    expect(fault?.place).toEqual({ file: `migrations/${name}`, line: 3 });
  });

  test('an environment variable that is not set is named: in the remedy of a file that fails, beside one that does not', async () => {
    const files = {
      'migrations/1.js': `const url = process.env.MG_TEST_URL;\nconst { host } = new URL(url);\nexports.up = ${step};`,
      'migrations/2.js': `require('dependency');\nconst limit = process.env.MG_TEST_LIMIT ?? 10;\nconst home = process.env.PATH;\nexports.up = ${step};`,
      'node_modules/dependency/index.js': `process.env.MG_TEST_OF_A_PACKAGE;`,
    };
    const [fault] = await faultsOf(files);
    expect(fault).toMatchObject({ name: '1.js', place: { line: 2 } });
    expect(fault?.remedy).toBe('It reads MG_TEST_URL, not set here: set it in `env` of the step.');
    const project = await open(files);
    const second = project.files.filter(({ name }) => name === '2.js');
    const loaded = await project.load(second);
    expect(loaded.get('2.js')?.unset).toEqual([{ name: 'MG_TEST_LIMIT', file: second[0]?.path, line: 2 }]);
  });

  test('a file whose top level does not end is named, and the others do not wait for it', async () => {
    const project = await open(
      { 'migrations/1.js': `exports.up = ${step};`, 'migrations/2.mjs': `await new Promise(() => setInterval(() => {}, 9));` },
      { loadLimit: 2_000 },
    );
    const error = await project.load(project.files).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'migration/load-failed',
      message: '2.mjs cannot be loaded: its top level did not end within 2 s',
      place: { file: 'migrations/2.mjs' },
    });
    await expect(
      open({ 'migrate-mongo-config.mjs': 'await new Promise(() => {});', 'migrations/1.mjs': '' }, { loadLimit: 2_000 }),
    ).rejects.toMatchObject({
      code: 'migration/config-invalid',
      message: expect.stringContaining('within 2 s'),
    });
  });

  test('loading ends when the run is cancelled', async () => {
    const cancel = new AbortController();
    const project = await open({ 'migrations/1.mjs': 'await new Promise(() => {});' }, { signal: cancel.signal });
    const loading = project.load(project.files);
    cancel.abort(new Error('cancelled'));
    await expect(loading).rejects.toThrow('cancelled');
  });

  test('a tsconfig.json whose paths cannot be used is named', async () => {
    const [fault] = await faultsOf({
      'tsconfig.json': '{ "compilerOptions": { "paths": { "@a/*": ["src/*"] } } }',
      'migrations/1.ts': `import { a } from '@a/b';\nexport const up = () => a;`,
    });
    expect(fault?.message).toMatch(/^the nearest tsconfig\.json cannot be used: Non-relative paths/);
  });

  test('CommonJS in a package of modules is told the way out', async () => {
    const [fault] = await faultsOf({ 'package.json': '{"type":"module"}', 'migrations/1.js': `exports.up = ${step};` });
    expect(fault?.remedy).toContain('"type": "module"');
  });

  test('a folder without migrations says what was looked for', async () => {
    const project = await open({
      'migrate-mongo-config.js': `module.exports = { migrationFileExtension: '.ts' };`,
      'migrations/1.js': `exports.up = ${step};`,
    });
    expect(project.files).toEqual([]);
    expect(project.nothingFound).toBe('There is no migration in migrations: no file there ends in .ts.');
  });

  test('a file that calls process.exit while it is loaded is named', async () => {
    const project = await open({ 'migrations/1.js': `exports.up = ${step};\nprocess.exit(0);` });
    await expect(project.load(project.files)).rejects.toMatchObject({
      code: 'migration/load-failed',
      message: '1.js line 2 cannot be loaded: process.exit(0) was called',
      place: { file: 'migrations/1.js', line: 2 },
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

  test('packages whose BSON is of another major than that of the driver are named for each file that reaches them', async () => {
    const bson = (version: string): Record<string, string> => ({
      'package.json': JSON.stringify({ name: 'bson', version }),
      'index.js': 'exports.ObjectId = class ObjectId {};',
    });
    const place = (folder: string, files: Record<string, string>): Record<string, string> =>
      Object.fromEntries(Object.entries(files).map(([name, text]) => [`${folder}/${name}`, text]));
    const files = {
      ...place('node_modules/odm', { 'package.json': '{"name":"odm","version":"8.1.0"}', 'index.js': `require('bson');` }),
      ...place('node_modules/odm/node_modules/bson', bson('5.5.1')),
      'lib/models.js': `require('odm');`,
      'migrations/1.js': `require('../lib/models'); exports.up = ${step};`,
      'migrations/2.js': `exports.up = ${step};`,
      'migrations/3.mjs': `import '../lib/models.js'; export const up = ${step};`,
    };
    const project = await open(files);
    const error = await project.load(project.files).catch((thrown: unknown) => thrown);
    const { faults } = error as LoadError;
    expect(faults.map(({ name, place: { file } }) => [name, file])).toEqual([
      ['1.js', 'migrations/1.js'],
      ['3.mjs', 'migrations/3.mjs'],
    ]);
    expect(faults[0]?.message).toMatch(
      /^odm 8\.1\.0 uses bson 5\.5\.1, whose values the driver mongodb \d+\.\d+\.\d+ \(bundled\) refuses$/,
    );
    expect(faults[0]?.remedy).toContain('one major version');
    const lenient = await open(files, { refuseForeignBson: false });
    expect((await lenient.load(lenient.files)).get('1.js')?.foreignBson).toEqual(['odm 8.1.0 uses bson 5.5.1']);
  });

  test('is refused when it must be the one of the project and is not installed', async () => {
    const project = await open({ 'migrations/1.js': `exports.up = ${step};` }, { driver: 'project' });
    await expect(project.load(project.files)).rejects.toMatchObject({ code: 'migration/driver-missing' });
  });
});

test('a driver that is too old is refused, before any file of the project has run', async () => {
  const files = {
    'node_modules/mongodb/package.json': '{"name":"mongodb","version":"3.7.4"}',
    'node_modules/mongodb/index.js': '',
    'migrations/1.js': `exports.up = ${step};`,
  };
  const refused = {
    code: 'migration/driver-unsupported',
    message: expect.stringContaining('The project has mongodb 3.7.4; migrations run with mongodb 4 and newer.'),
  };
  const project = await open(files);
  await expect(project.load(project.files)).rejects.toMatchObject(refused);
  await expect(open({ ...files, 'migrate-mongo-config.js': `throw new Error('no');` })).rejects.toMatchObject(refused);
  const bundled = await open(files, { driver: 'bundled' });
  await expect(bundled.load(bundled.files)).resolves.toBeDefined();
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
    [
      'a function',
      `module.exports = async () => ({ mongodb: { databaseName: 'shop' }, migrationsDir: 'db', changelogCollectionName: 'log', useFileHash: true });`,
    ],
    [
      'TypeScript',
      `const base: { useFileHash: boolean } = { useFileHash: true }; export default { ...base, mongodb: { databaseName: 'shop' }, migrationsDir: 'db', changelogCollectionName: 'log' };`,
      'ts',
    ],
    [
      '.mjs',
      `export default { mongodb: { databaseName: 'shop' }, migrationsDir: 'db', changelogCollectionName: 'log', useFileHash: true };`,
      'mjs',
    ],
    [
      '.cjs',
      `module.exports = { mongodb: { databaseName: 'shop' }, migrationsDir: 'db', changelogCollectionName: 'log', useFileHash: true };`,
      'cjs',
    ],
  ])('is read as %s', async (_what, config, extension = 'js') => {
    const project = await open({
      [`migrate-mongo-config.${extension}`]: config,
      'db/1.js': '',
      'db/2.ts': '',
      'db/sample-migration.js': '',
    });
    expect(project.config).toEqual({ databaseName: 'shop', migrationsDir: 'db', changelogCollectionName: 'log', useFileHash: true });
    expect(project.files.map(({ name }) => name)).toEqual(['1.js']);
    expect(project.history.collection).toBe('log');
  });

  test('may lie anywhere by its input; its paths belong to the package in which it lies', async () => {
    const workspace = await checkout({
      'packages/api/package.json': '{}',
      'packages/api/config/mongo.js': `const fs = require('fs'); module.exports = { migrationsDir: 'db', changelogCollectionName: fs.existsSync('db') ? 'here' : 'elsewhere' };`,
      'packages/api/db/1.js': '',
    });
    const project = await open({}, { workspace, configFile: path.join(workspace, 'packages/api/config/mongo.js') });
    expect(project.files.map(({ name }) => name)).toEqual(['1.js']);
    expect(project.history.collection).toBe('here');
  });

  test("may hold the dead options of migrate-mongo's old sample, which driver 7 refuses", async () => {
    const project = await open({
      'migrate-mongo-config.js': `module.exports = { mongodb: { options: { useNewUrlParser: true, useUnifiedTopology: true } } };`,
      'migrations/1.js': '',
    });
    await expect(project.connect({ uri: sharedUri(), database: 'none', appName: 'test' })).resolves.toBeUndefined();
  });

  test('with an option that the driver does not know is told when the migrations connect', async () => {
    const project = await open({
      'migrate-mongo-config.js': `module.exports = { mongodb: { options: { poolSise: 5 } } };`,
      'migrations/1.js': '',
    });
    await expect(project.connect({ uri: sharedUri(), database: 'none', appName: 'test' })).rejects.toMatchObject({
      code: 'migration/worker-failed',
      message: expect.stringMatching(/^Connecting the migrations to the database: .*poolsise/),
    });
  });

  test('that is named and not there is refused', async () => {
    const workspace = await checkout({ 'migrations/1.js': '' });
    await expect(open({}, { workspace, configFile: path.join(workspace, 'mongo.js') })).rejects.toMatchObject({
      code: 'migration/config-invalid',
      message: 'There is no file mongo.js.',
    });
  });

  test('with an extension without a dot is refused', async () => {
    const files = { 'migrate-mongo-config.js': `module.exports = { migrationFileExtension: 'js' };`, 'migrations/1.js': '' };
    await expect(open(files)).rejects.toMatchObject({ code: 'migration/config-invalid' });
  });

  test('that throws is refused with its line, also when a package throws for it, and with the variables that it misses', async () => {
    const config = `const check = require('checker');\nmodule.exports = check(process.env.MG_TEST_HOST);`;
    const checker = `module.exports = (value) => { if (value === undefined) throw new Error('no host\\nno more'); };`;
    await expect(
      open({ 'migrate-mongo-config.js': config, 'node_modules/checker/index.js': checker, 'migrations/1.js': '' }),
    ).rejects.toMatchObject({
      code: 'migration/config-invalid',
      message: 'migrate-mongo-config.js line 2 cannot be read: no host',
      place: { file: 'migrate-mongo-config.js', line: 2 },
      remedy: 'It reads MG_TEST_HOST, not set here: set it in `env` of the step.',
    });
  });

  test.each([
    ['is no object', `module.exports = 7;`, 'it exports no object'],
    [
      'names its changelog by a variable that is not set',
      `module.exports = { changelogCollectionName: process.env.MG_TEST_LOG };`,
      'changelogCollectionName is undefined, not a text',
    ],
  ])('that %s is refused', async (_what, config, message) => {
    await expect(open({ 'migrate-mongo-config.js': config, 'migrations/1.js': '' })).rejects.toMatchObject({
      code: 'migration/config-invalid',
      message: `migrate-mongo-config.js cannot be read: ${message}`,
    });
  });

  test('is refused when there are two, unless one is named: they may name different changelogs', async () => {
    const files = {
      'migrate-mongo-config.js': `module.exports = { changelogCollectionName: 'one' };`,
      'api/migrate-mongo-config.cjs': `module.exports = { changelogCollectionName: 'two' };`,
      'api/migrations/1.js': '',
    };
    const workspace = await checkout(files);
    const folder = path.join(workspace, 'api/migrations');
    await expect(open({}, { workspace, folder })).rejects.toMatchObject({
      code: 'migration/config-invalid',
      message: expect.stringContaining('migrate-mongo-config.js, api/migrate-mongo-config.cjs'),
      remedy: expect.stringContaining('`migrate-mongo-config: migrate-mongo-config.js`'),
    });
    const project = await open({}, { workspace, folder, configFile: path.join(workspace, 'api/migrate-mongo-config.cjs') });
    expect(project.history.collection).toBe('two');
  });

  test('a folder that is not there is refused', async () => {
    await expect(open({})).rejects.toMatchObject({ code: 'migration/folder-not-found' });
  });
});
