// node --conditions=source bench/migrate/run.ts [--runs 5] [--bundles folder]: applying migrations beside migrate-mongo and a plain script.
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { MongoClient } from 'mongodb';
import { ensureBinary } from '@migration-guard/shared/embedded/binary';
import { startEmbedded } from '@migration-guard/shared/embedded/server';
import { silentLog } from '@migration-guard/shared/log/log';
import { measure } from '../backup/measure.ts';
import { writeProject, workloads, type Workload } from './projects.ts';

const repository = path.resolve(import.meta.dirname, '../..');
const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, bundles: { type: 'string', default: repository } },
});
const runs = Number(options.runs);

/** Seconds from the start of the process to its first write, and to its end; processor time of it and of all that it starts. */
interface Times {
  readonly first: number;
  readonly all: number;
  readonly processor: number;
}

interface Way {
  readonly name: string;
  /** Of a shell. */
  readonly command: string;
  readonly env: (uri: string, folder: string) => Readonly<Record<string, string>>;
  /** Whether the server keeps the earlier states of documents, as for an undo. */
  readonly preImages?: true;
  /** Files that it needs beside those of the project. */
  readonly files?: Readonly<Record<string, string>>;
}

const stockTool = path.resolve(createRequire(import.meta.url).resolve('migrate-mongo'), '../../bin/migrate-mongo.js');
const guard: Omit<Way, 'name'> = {
  command: `node ${path.join(path.resolve(options.bundles), 'action-migrate/dist/index.js')}`,
  env: (uri, folder) => ({
    INPUT_MODE: 'apply',
    INPUT_URI: uri,
    INPUT_DATABASE: 'bench',
    GITHUB_WORKSPACE: folder,
    RUNNER_TEMP: path.join(folder, 'temp'),
    GITHUB_REPOSITORY: 'octo/shop',
  }),
};
const ways: readonly Way[] = [
  { ...guard, name: 'Migration Guard, whole step' },
  { ...guard, name: 'the same with `undo: false`', files: { '.github/migration-guard.yml': 'migrate:\n  undo: false\n' } },
  { name: '`npx migrate-mongo up`', command: 'npx --no-install migrate-mongo up', env: () => ({}) },
  { name: '`migrate-mongo up` without npx', command: `node ${stockTool} up`, env: () => ({}) },
  { name: 'plain script', command: 'node plain.mjs', env: () => ({}) },
  { name: 'plain script, pre-images on', command: 'node plain.mjs', env: () => ({}), preImages: true },
];

async function timeOf(
  way: Way,
  client: MongoClient,
  { uri, workload }: { readonly uri: string; readonly workload: Workload },
): Promise<Times> {
  const folder = await mkdtemp(path.join(tmpdir(), 'migration-guard-bench-'));
  try {
    await writeProject(folder, { uri, workload, repository, files: way.files ?? {} });
    await client.db('bench').dropDatabase();
    await workload.fill(client.db('bench'));
    if (way.preImages) await client.db('bench').command({ collMod: 'things', changeStreamPreAndPostImages: { enabled: true } });
    const startedAt = Date.now();
    const { seconds, processorSeconds = NaN } = await measure(`cd ${folder} && ${way.command}`, {
      PATH: `${path.dirname(process.execPath)}:${process.env['PATH']}`,
      ...way.env(uri, folder),
    });
    const mark = await client.db('bench').collection<{ _id: string; at: Date }>('marks').findOne({ _id: 'first' });
    return { first: ((mark?.at.getTime() ?? NaN) - startedAt) / 1_000, all: seconds, processor: processorSeconds };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

const binary = await ensureBinary({ env: process.env, log: silentLog });
await using server = await startEmbedded({ binary: binary.path, topology: { kind: 'replica-set', members: 1 } });
await using client = new MongoClient(server.uri);
console.log(`mongod ${binary.version}, ${availableParallelism()} cores shared by server and client, ${runs} runs`);
for (const workload of workloads) {
  const times = new Map<string, Times[]>(ways.map(({ name }) => [name, []]));
  for (let run = 0; run < runs; run++) {
    for (const way of ways) times.get(way.name)?.push(await timeOf(way, client, { uri: server.uri, workload }));
  }
  console.log(
    `\n### ${workload.name}\n\n| what | median s to the first write | from there to the end | in all | processor s | all s |\n|---|---|---|---|---|---|`,
  );
  for (const [name, seen] of times) {
    const medians = [
      seen.map(({ first }) => first),
      seen.map(({ first, all }) => all - first),
      seen.map(({ all }) => all),
      seen.map(({ processor }) => processor),
    ].map(median);
    console.log(`| ${name} | ${medians.map((time) => time.toFixed(2)).join(' | ')} | ${seen.map(({ all }) => all.toFixed(1)).join(' ')} |`);
  }
}
