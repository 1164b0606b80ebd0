// The same project, migrated by migrate-mongo and by our engine: what both print, leave in the changelog and in the data is compared.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Db, Document } from 'mongodb';
import type { Connection } from '../../shared/src/mongo/connect.ts';
import { makeCheckout, type Checkout } from '../../shared/src/testing/checkout.ts';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '../../shared/src/testing/mongod.ts';

const tools = {
  stock: [path.resolve(fileURLToPath(import.meta.resolve('migrate-mongo')), '../../bin/migrate-mongo.js')],
  ours: ['--conditions=source', '--disable-warning=ExperimentalWarning', path.resolve(import.meta.dirname, 'command.ts')],
} as const;
type Tool = keyof typeof tools;

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

let connection: Connection;
const databases: string[] = [];
const checkouts: Checkout[] = [];

beforeAll(async () => {
  connection = await connectShared();
});

afterEach(async () => {
  for (const checkout of checkouts.splice(0)) await checkout[Symbol.asyncDispose]();
});

afterAll(async () => {
  await dropDatabases(connection.client, databases);
  await connection.client.close();
});

function newDatabase(): Db {
  const name = uniqueDatabase('beside');
  databases.push(name);
  return connection.client.db(name);
}

async function project(files: Readonly<Record<string, string>>, settings: Readonly<Record<string, unknown>> = {}): Promise<Checkout> {
  const config = { migrationsDir: 'migrations', changelogCollectionName: 'changelog', migrationFileExtension: '.js', ...settings };
  const text = `const settings = ${JSON.stringify(config)}; module.exports = { mongodb: { url: process.env.MG_URL, databaseName: process.env.MG_DATABASE }, ...settings };`;
  const checkout = await makeCheckout({ 'migrate-mongo-config.js': text, 'migrations/README.md': '', ...files });
  checkouts.push(checkout);
  return checkout;
}

async function run(tool: Tool, db: Db, folder: string, args: readonly string[]): Promise<Run> {
  const env = { ...process.env, NODE_OPTIONS: '', MG_URL: sharedUri(), MG_DATABASE: db.databaseName };
  const child = spawn(process.execPath, [...tools[tool], ...args], { cwd: folder, env });
  const text = { out: '', err: '' };
  child.stdout.on('data', (data: Buffer) => (text.out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (text.err += data.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, ...text };
}

/** Names, hashes, kinds and order of the fields, and which records share a block: all but the moment. */
async function changelog(db: Db, name = 'changelog'): Promise<readonly unknown[]> {
  const records = await db.collection(name).find().sort({ fileName: 1, appliedAt: 1 }).toArray();
  const blocks = [...new Set(records.map((record): unknown => record['migrationBlock']))];
  return records.map((record) =>
    Object.entries(record).map(([key, value]: [string, unknown]) => {
      if (key === 'fileName' || key === 'fileHash') return [key, value];
      return key === 'migrationBlock' ? [key, typeof value, blocks.indexOf(value)] : [key, (value as object).constructor.name];
    }),
  );
}

/** Not by `_id`: those that two processes make in one second have no order. */
async function things(db: Db): Promise<readonly Document[]> {
  return db
    .collection('things')
    .find({}, { projection: { _id: 0 } })
    .sort({ n: 1 })
    .toArray();
}

const insert = (n: number): string =>
  `module.exports = { async up(db, client) { await db.collection('things').insertOne({ n: ${n}, client: typeof client.startSession }); }, async down(db) { await db.collection('things').deleteOne({ n: ${n} }); } };`;
const failing = `module.exports = { async up(db) { await db.collection('things').insertOne({ n: 'half' }); throw new Error('on purpose'); } };`;

type Steps = readonly (readonly [args: string, files?: Readonly<Record<string, string>>])[];

const behaviours: readonly {
  readonly what: string;
  readonly files: Readonly<Record<string, string>>;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly steps: Steps;
  readonly changelog?: string;
  /** What the changelog holds before. */
  readonly history?: readonly Document[];
}[] = [
  {
    what: 'files of one extension, without the sample, in plain order of their names',
    files: {
      'migrations/10.js': insert(10),
      'migrations/9.js': insert(9),
      'migrations/B.js': insert(2),
      'migrations/a.js': insert(1),
      'migrations/sample-migration.js': 'throw new Error("no");',
      'migrations/x.cjs': 'throw new Error("no");',
      'migrations/sub/1.js': 'throw new Error("no");',
    },
    steps: [['up'], ['up']],
  },
  {
    what: 'another extension, folder and collection',
    files: { 'db/steps/1.cjs': insert(1), 'db/steps/1.js': 'throw new Error("no");' },
    settings: { migrationFileExtension: '.cjs', migrationsDir: 'db/steps', changelogCollectionName: 'history' },
    steps: [['up'], ['down'], ['up']],
    changelog: 'history',
  },
  {
    what: 'one block for the files of a run; down takes one, down -b the block',
    files: { 'migrations/1.js': insert(1) },
    steps: [
      ['up'],
      ['up', { 'migrations/2.js': insert(2), 'migrations/3.js': insert(3), 'migrations/4.js': insert(4) }],
      ['down'],
      ['down -b'],
    ],
  },
  {
    what: 'hashes only where they are strictly switched on, and an edited file runs again beside its first record',
    files: { 'migrations/1.js': insert(1), 'migrations/2.js': insert(2) },
    settings: { useFileHash: true },
    steps: [['up'], ['up', { 'migrations/1.js': `${insert(1)} // edited` }], ['up']],
  },
  {
    what: 'no hashes for anything but true',
    files: { 'migrations/1.js': insert(1) },
    settings: { useFileHash: 'yes' },
    steps: [['up'], ['up', { 'migrations/1.js': `${insert(1)} // edited` }]],
  },
  {
    what: 'a failing file ends the run with exit code 1, and the files before it are recorded',
    files: { 'migrations/1.js': insert(1), 'migrations/2.js': failing, 'migrations/3.js': insert(3) },
    steps: [['up'], ['status']],
  },
  {
    what: 'a missing down is found when it is asked for',
    files: { 'migrations/1.js': `exports.up = (db) => db.collection('things').insertOne({ n: 1 });` },
    steps: [['up'], ['down']],
  },
  {
    what: 'an old record without block or hash counts as applied',
    history: [{ fileName: '1.js', appliedAt: new Date(0) }],
    files: { 'migrations/1.js': insert(1), 'migrations/2.js': insert(2) },
    steps: [['status'], ['up'], ['down'], ['down'], ['down']],
  },
  {
    what: 'ES modules, by default export and by names, and files that require the driver',
    files: {
      'package.json': '{"type":"module"}',
      'migrate-mongo-config.js': `export default Promise.resolve({ mongodb: { url: process.env.MG_URL, databaseName: process.env.MG_DATABASE }, migrationsDir: 'migrations', changelogCollectionName: 'changelog', lockCollectionName: 'changelog_lock', lockTtl: 0 });`,
      'migrations/1.js': `export const up = (db) => db.collection('things').insertOne({ n: 1 }); export const down = (db) => db.collection('things').deleteOne({ n: 1 });`,
      'migrations/2.js': `export default { async up(db) { await db.collection('things').insertOne({ n: 2 }); }, async down(db) { await db.collection('things').deleteOne({ n: 2 }); } };`,
    },
    steps: [['up'], ['down'], ['status']],
  },
  {
    what: 'a configuration and a folder by option',
    files: {
      'conf/mm.js': `module.exports = { mongodb: { url: process.env.MG_URL, databaseName: process.env.MG_DATABASE }, changelogCollectionName: 'changelog' };`,
      'elsewhere/1.js': insert(1),
    },
    steps: [['up -f conf/mm.js --migrations-dir elsewhere'], ['status -f conf/mm.js --migrations-dir elsewhere']],
  },
];

describe('as migrate-mongo does', () => {
  test.each(behaviours)('$what', async ({ files, settings, steps, changelog: name, history = [] }) => {
    const seen: Record<Tool, unknown[]> = { stock: [], ours: [] };
    for (const tool of ['stock', 'ours'] as const) {
      const checkout = await project(files, settings);
      const db = newDatabase();
      for (const record of history) await db.collection('changelog').insertOne({ ...record });
      for (const [args, written] of steps) {
        if (written !== undefined) await checkout.write(written);
        const { code, out } = await run(tool, db, checkout.folder, args.split(' '));
        const moved = [...out.matchAll(/^MIGRATED (?:UP|DOWN): .*$/gm)].map(([line]) => line);
        const pending = [...out.matchAll(/(\w+\.c?js)\b.*PENDING/g)].map(([, file]) => file);
        // Stock tells the files that were migrated only after a success (its defect 7).
        seen[tool].push({
          args,
          code,
          moved: code === 0 ? moved : [],
          pending,
          changelog: await changelog(db, name),
          things: await things(db),
        });
      }
    }
    expect(seen.ours).toEqual(seen.stock);
  });

  test('either tool goes on where the other stopped', async () => {
    const checkout = await project({ 'migrations/1.js': insert(1) }, { useFileHash: true });
    const db = newDatabase();
    await db.collection('changelog').insertOne({ fileName: '0.js', appliedAt: new Date(0) });
    for (const [n, tool] of (['stock', 'ours', 'stock', 'ours'] as const).entries()) {
      await checkout.write({ [`migrations/${n + 1}.js`]: insert(n + 1) });
      expect((await run(tool, db, checkout.folder, ['up'])).out.trim()).toBe(`MIGRATED UP: ${n + 1}.js`);
    }
    for (const [n, tool] of (['ours', 'stock', 'ours', 'stock'] as const).entries()) {
      expect((await run(tool, db, checkout.folder, ['down'])).out.trim()).toBe(`MIGRATED DOWN: ${4 - n}.js`);
    }
    expect(await things(db)).toEqual([]);
  });

  test.each([
    ['of 7 to 13', `exports.up = (db, client, next) => db.collection('things').insertOne({ n: 1 }).then(() => next());`, [{ n: 1 }]],
    [
      'before 7',
      `exports.up = function (db, callback) { db.collection('things').insertOne({ n: 1 }).then(() => callback(), callback); };`,
      [{ n: 1 }],
    ],
  ])('and callbacks as versions %s did', async (_version, source, expected) => {
    const checkout = await project({ 'migrations/1.js': source });
    const db = newDatabase();
    expect(await run('ours', db, checkout.folder, ['up'])).toMatchObject({ code: 0, out: 'MIGRATED UP: 1.js\n' });
    expect(await things(db)).toEqual(expected);
  });

  test('and an error given to a callback fails the file', async () => {
    const checkout = await project({ 'migrations/1.js': `exports.up = (db, client, done) => done(new Error('by callback'));` });
    const db = newDatabase();
    expect(await run('ours', db, checkout.folder, ['up'])).toMatchObject({ code: 1, err: expect.stringContaining('by callback') });
    expect(await changelog(db)).toEqual([]);
  });
});

describe('better than migrate-mongo', () => {
  const slow = `exports.up = async (db) => { await new Promise((resolve) => setTimeout(resolve, 300)); await db.collection('things').insertOne({ n: 1 }); };`;

  test('defects 1 and 2: two runners at once apply a file once, and the second one sees what the first did', async () => {
    const checkout = await project({ 'migrations/1.js': slow }, { lockCollectionName: 'changelog_lock', lockTtl: 60 });
    const db = newDatabase();
    const both = await Promise.all([0, 1].map(() => run('ours', db, checkout.folder, ['up'])));
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(both.map(({ out }) => out).join('')).toBe('MIGRATED UP: 1.js\n');
    expect(await things(db)).toHaveLength(1);
    expect(await changelog(db)).toHaveLength(1);
  });

  test('defect 5: a TTL index with another lifetime disturbs nobody, and none is made', async () => {
    const checkout = await project({ 'migrations/1.js': insert(1) }, { lockCollectionName: 'changelog_lock', lockTtl: 60 });
    const db = newDatabase();
    await db.collection('changelog_lock').createIndex({ createdAt: 1 }, { expireAfterSeconds: 5 });
    expect(await run('ours', db, checkout.folder, ['up'])).toMatchObject({ code: 0, err: '' });
    const indexes = await db.collection('changelog_lock').indexes();
    expect(indexes.map(({ expireAfterSeconds }) => expireAfterSeconds as unknown)).toEqual([undefined, 5]);
  });

  test('defect 6: down takes back what was applied last, not what sorts last', async () => {
    const checkout = await project({ 'migrations/001.js': insert(1), 'migrations/003.js': insert(3) });
    const db = newDatabase();
    await run('ours', db, checkout.folder, ['up']);
    await checkout.write({ 'migrations/002.js': insert(2) });
    await run('ours', db, checkout.folder, ['up']);
    expect((await run('ours', db, checkout.folder, ['down'])).out).toBe('MIGRATED DOWN: 002.js\n');
  });

  test('defect 6: down -b on an empty history does nothing', async () => {
    const checkout = await project({ 'migrations/1.js': insert(1) });
    const db = newDatabase();
    expect((await run('stock', db, checkout.folder, ['down', '-b'])).err).toContain('TypeError');
    expect(await run('ours', db, checkout.folder, ['down', '-b'])).toEqual({ code: 0, out: '', err: '' });
  });

  test('defect 7: what was migrated before a failure is told', async () => {
    const checkout = await project({ 'migrations/1.js': insert(1), 'migrations/2.js': failing });
    const db = newDatabase();
    const { out, err } = await run('ours', db, checkout.folder, ['up']);
    expect(out).toBe('MIGRATED UP: 1.js\n');
    expect(err).toContain('2.js line 1 failed: on purpose. Before that: things: 1 inserted');
  });
});
