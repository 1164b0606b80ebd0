// node --conditions=source bench/migrate/run.ts [--runs 5] [--bundles folder]: applying migrations beside migrate-mongo and a plain script.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { MongoClient } from 'mongodb';
import { ensureBinary } from '@migration-guard/shared/embedded/binary';
import { startEmbedded } from '@migration-guard/shared/embedded/server';
import { silentLog } from '@migration-guard/shared/log/log';
import { writeProject, workloads, type Workload } from './projects.ts';

const repository = path.resolve(import.meta.dirname, '../..');
const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, bundles: { type: 'string', default: repository } },
});
const runs = Number(options.runs);

/** Seconds from the start of the process to its first write, and to its end. */
interface Times {
  readonly first: number;
  readonly all: number;
}

interface Way {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env: (uri: string, folder: string) => Readonly<Record<string, string>>;
  /** Files that it needs beside those of the project. */
  readonly files?: Readonly<Record<string, string>>;
}

const stockTool = path.resolve(createRequire(import.meta.url).resolve('migrate-mongo'), '../../bin/migrate-mongo.js');
const guard: Omit<Way, 'name'> = {
  file: path.join(path.resolve(options.bundles), 'action-migrate/dist/index.js'),
  args: [],
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
  { name: 'migrate-mongo up', file: stockTool, args: ['up'], env: () => ({}) },
  { name: 'plain script', file: 'plain.mjs', args: [], env: () => ({}) },
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
    const startedAt = Date.now();
    const child = spawn(process.execPath, [way.file, ...way.args], {
      cwd: folder,
      env: { PATH: process.env['PATH'], ...way.env(uri, folder) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    const all = (Date.now() - startedAt) / 1_000;
    if (code !== 0) throw new Error(`${way.name} ended with ${code}\n${output.slice(-4_000)}`);
    const mark = await client.db('bench').collection<{ _id: string; at: Date }>('marks').findOne({ _id: 'first' });
    return { first: ((mark?.at.getTime() ?? NaN) - startedAt) / 1_000, all };
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
    `\n### ${workload.name}\n\n| what | median s to the first write | from there to the end | in all | all s |\n|---|---|---|---|---|`,
  );
  for (const [name, seen] of times) {
    const medians = [seen.map(({ first }) => first), seen.map(({ first, all }) => all - first), seen.map(({ all }) => all)].map(median);
    console.log(`| ${name} | ${medians.map((time) => time.toFixed(2)).join(' | ')} | ${seen.map(({ all }) => all.toFixed(1)).join(' ')} |`);
  }
}
