import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Db } from 'mongodb';

/** Files to be applied, and the data that they meet. */
export interface Workload {
  readonly name: string;
  readonly files: number;
  /** Source of the body of each `up(db)`. */
  readonly body: string;
  readonly fill: (db: Db) => Promise<unknown>;
}

const documents = 20_000;

export const workloads: readonly Workload[] = [
  {
    name: '100 pending files that insert one document each',
    files: 100,
    body: `await db.collection('things').insertOne({ n: 1 });`,
    fill: (db) => db.createCollection('things'),
  },
  {
    name: `5 files that update ${documents.toLocaleString('en')} documents one by one in bulks of 1000`,
    files: 5,
    body: `const things = db.collection('things');
  const ids = await things.find({}, { projection: { _id: 1 } }).toArray();
  const raise = ({ _id }) => ({ updateOne: { filter: { _id }, update: { $inc: { n: 1 } } } });
  for (let at = 0; at < ids.length; at += 1000) await things.bulkWrite(ids.slice(at, at + 1000).map(raise));`,
    fill: (db) => db.collection('things').insertMany(Array.from({ length: documents }, (_, n) => ({ n }))),
  },
];

export interface ProjectParts {
  readonly uri: string;
  readonly workload: Workload;
  readonly repository: string;
  /** Further files by their path. */
  readonly files: Readonly<Record<string, string>>;
}

/** A project as each way finds it: migrations, configuration of migrate-mongo, and a script that does the same writes. */
export async function writeProject(folder: string, { uri, workload, repository, files }: ProjectParts): Promise<void> {
  await mkdir(path.join(folder, 'migrations'));
  await mkdir(path.join(folder, 'temp'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  await symlink(path.join(repository, 'node_modules'), path.join(folder, 'node_modules'));
  const mark = `await db.collection('marks').updateOne({ _id: 'first' }, { $setOnInsert: { at: new Date() } }, { upsert: true });`;
  const names = Array.from({ length: workload.files }, (_, index) => `${String(index).padStart(3, '0')}-step.js`);
  for (const name of names) {
    await writeFile(path.join(folder, 'migrations', name), `module.exports.up = async (db) => { ${mark} ${workload.body} };\n`);
  }
  const config = { mongodb: { url: uri, databaseName: 'bench' }, migrationsDir: 'migrations', changelogCollectionName: 'changelog' };
  await writeFile(
    path.join(folder, 'migrate-mongo-config.js'),
    `module.exports = ${JSON.stringify({ ...config, migrationFileExtension: '.js' })};\n`,
  );
  await writeFile(
    path.join(folder, 'plain.mjs'),
    `import { MongoClient } from 'mongodb';
const client = await new MongoClient(${JSON.stringify(uri)}, { writeConcern: { w: 'majority' } }).connect();
const db = client.db('bench');
for (let file = 0; file < ${workload.files}; file++) { ${mark} ${workload.body} }
await client.close();
`,
  );
}
