// npm run bench:backup -- [dataset…] [--runs 5] [--scale 1] [--ours] [--bundles folder]: backup and restore beside the stock tools (or, for memory,
// without them), as a Markdown table. Without names, all data sets but those that take minutes each.
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { MongoClient } from 'mongodb';
import { ensureBinary } from '@migration-guard/shared/embedded/binary';
import { startEmbedded } from '@migration-guard/shared/embedded/server';
import { silentLog } from '@migration-guard/shared/log/log';
import { datasets, type Dataset } from './data.ts';
import { measure, medianCost, type Cost } from './measure.ts';
import { absent, ways, type Way } from './tools.ts';

const repository = path.resolve(import.meta.dirname, '../..');
const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' },
    ours: { type: 'boolean', default: false },
    bundles: { type: 'string', default: repository },
  },
});
const runs = Number(options.runs);

function node24(): string {
  const kept = path.join(repository, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
  return existsSync(kept) ? kept : process.execPath;
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += (await stat(path.join(entry.parentPath, entry.name))).size;
  return bytes;
}

interface Row {
  readonly doing: string;
  readonly costs: Cost[];
  bytes: number | undefined;
}

/** Every way once a run, one after another, so that what else the machine does falls on all of them. */
async function measureDataset(client: MongoClient, dataset: Dataset, all: readonly Way[]): Promise<readonly Row[]> {
  const rows = new Map<string, Row>();
  const rowOf = (doing: string): Row => {
    const row = rows.get(doing) ?? { doing, costs: [], bytes: undefined };
    rows.set(doing, row);
    return row;
  };
  for (let run = 0; run < runs; run++) {
    for (const way of all) {
      const folder = await mkdtemp(path.join(tmpdir(), 'migration-guard-bench-'));
      try {
        const store = path.join(folder, 'store');
        const dump = rowOf(`dump: ${way.name}`);
        dump.costs.push(await measure(way.dump(dataset.name, store), process.env));
        dump.bytes = await bytesIn(store);
        for (const { name, command } of way.loads) {
          const label = way.loads.length === 1 ? `restore: ${way.name}` : `restore: ${way.name}, ${name}`;
          rowOf(label).costs.push(await measure(command(dataset.name, 'target', store), process.env));
          await client.db('target').dropDatabase();
        }
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }
  }
  return [...rows.values()].toSorted((a, b) => (a.doing < b.doing ? -1 : 1));
}

const text = (value: number | undefined, digits: number): string => (value === undefined ? '' : value.toFixed(digits));

function print({ name, what }: Dataset, rows: readonly Row[]): void {
  console.log(`\n### ${name}: ${what}\n\n| what | median s | all s | client CPU s | peak MiB | stored MB |\n|---|---|---|---|---|---|`);
  for (const { doing, costs, bytes } of rows) {
    const median = medianCost(costs);
    const all = costs.map(({ seconds }) => seconds.toFixed(1)).join(' ');
    const stored = bytes === undefined ? undefined : bytes / 1e6;
    console.log(
      `| ${doing} | ${text(median?.seconds, 2)} | ${all} | ${text(median?.processorSeconds, 2)} | ${text(median?.peakMebibytes, 0)} | ${text(stored, 1)} |`,
    );
  }
}

const binary = await ensureBinary({ env: process.env, log: silentLog });
await using server = await startEmbedded({ binary: binary.path, topology: { kind: 'replica-set', members: 1 }, cacheGigabytes: 2 });
await using client = new MongoClient(server.uri);
const offered = ways({ uri: server.uri, env: process.env, bundles: path.resolve(options.bundles), node: node24() });
const missing = absent(offered);
if (missing.length > 0) console.log(`Not here, so not measured: ${missing.join(', ')} (on PATH, or MONGODUMP and MONGORESTORE).`);
const all = offered.filter(({ needs }) => needs === undefined || (!options.ours && !missing.includes(needs)));
console.log(`mongod ${binary.version}, ${availableParallelism()} cores shared by server and client, ${runs} runs, scale ${options.scale}`);
for (const dataset of datasets) {
  if (wanted.length > 0 ? !wanted.includes(dataset.name) : dataset.slow === true) continue;
  await dataset.fill(client.db(dataset.name), Number(options.scale));
  print(dataset, await measureDataset(client, dataset, all));
  await client.db(dataset.name).dropDatabase();
}
