// npm run bench:rehearsal -- [--megabytes 1000] [--settings yaml]: a pull request with three migrations is rehearsed on a copy of a backup,
// with the share of each step, and one without migrations.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { MongoClient } from 'mongodb';
import { ensureBinary } from '@migration-guard/shared/embedded/binary';
import { startEmbedded } from '@migration-guard/shared/embedded/server';
import { silentLog } from '@migration-guard/shared/log/log';
import { startJob, type StepResult } from '@migration-guard/shared/testing/action-runner';
import { fillShop, migrations } from './data.ts';

const { values: options } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '1000' },
    /** Settings of the rehearsal, as YAML in one line: `{ mask: {} }`. */
    settings: { type: 'string', default: '{}' },
    /** Folder with the actions; default: this repository. */
    bundles: { type: 'string', default: path.resolve(import.meta.dirname, '../..') },
  },
});
const database = 'shop';

/** A step of the rehearsal begins with the first line of the log that looks like this. */
const beginnings: readonly (readonly [RegExp, string])[] = [
  [/^Starting a server/, 'start of the server'],
  [/^Restoring \d+ collections/, 'restore, with its digests and indexes'],
  [/^Migration files loaded/, 'reading what is there before'],
  [/^::group::(up|down) /, 'the migrations themselves'],
  [/^::endgroup::/, 'reading and comparing after each run'],
];

/** Where the seconds of a step went, by the times of its lines. */
function timekeeper(): { readonly see: (text: string) => void; readonly end: () => ReadonlyMap<string, number> } {
  const spent = new Map<string, number>();
  let doing = 'start of the action, history, choice of the backup';
  let since = performance.now();
  let rest = '';
  const turn = (next: string): void => {
    const now = performance.now();
    spent.set(doing, (spent.get(doing) ?? 0) + now - since);
    [doing, since] = [next, now];
  };
  return {
    see(text) {
      const all = (rest + text).split('\n');
      rest = all.pop() ?? '';
      for (const line of all) {
        const [, next] = beginnings.find(([pattern]) => pattern.test(line)) ?? [];
        if (next !== undefined) turn(next);
      }
    },
    end() {
      turn('');
      return spent;
    },
  };
}

interface Measured {
  readonly seconds: number;
  readonly spent: ReadonlyMap<string, number>;
  readonly result: StepResult;
}

async function step(action: string, inputs: Readonly<Record<string, string>>): Promise<Measured> {
  const { see, end } = timekeeper();
  const started = performance.now();
  const result = await job.run(action, { inputs: { uri: server.uri, database, ...inputs }, onOutput: see });
  const seconds = (performance.now() - started) / 1_000;
  if (result.exitCode !== 0) throw new Error(`${action} failed:\n${result.rawLog.slice(-4_000)}`);
  console.error(`action-${action} ${inputs['mode']}: ${seconds.toFixed(1)} s, ${result.outputs['result']}`);
  for (const [line] of result.rawLog.matchAll(/^(?:(?:up|down) .+: [\d.]+ s|::(?:warning|error)).*/gm)) console.error(`  ${line}`);
  return { seconds, spent: end(), result };
}

const binary = await ensureBinary({ env: process.env, log: silentLog });
process.env['MONGOD_BINARY'] = binary.path;
const workspace = await mkdtemp(path.join(tmpdir(), 'migration-guard-bench-'));
await using server = await startEmbedded({ binary: binary.path, topology: { kind: 'replica-set', members: 1 }, cacheGigabytes: 1 });
await using client = new MongoClient(server.uri);
await using job = await startJob({ actions: path.resolve(options.bundles), workspace });
try {
  const { documents } = await fillShop(client, database, Number(options.megabytes) * 1e6);
  await mkdir(path.join(workspace, '.github'), { recursive: true });
  await writeFile(path.join(workspace, '.github/migration-guard.yml'), `migrate:\n  rehearsal: ${options.settings}\n`);
  await mkdir(path.join(workspace, 'migrations'));
  const { dataSize } = await client.db(database).command({ dbStats: 1 });
  const backup = await step('backup', { mode: 'create', store: 'backups' });
  const without = await step('migrate', { mode: 'rehearse', store: 'backups' });
  for (const [name, text] of Object.entries(migrations)) await writeFile(path.join(workspace, 'migrations', name), text);
  const rehearsal = await step('migrate', { mode: 'rehearse', store: 'backups' });
  console.log(
    `mongod ${binary.version}, ${availableParallelism()} cores shared by both servers and the actions, ${documents} documents, ${(dataSize / 1e6).toFixed(0)} MB, settings ${options.settings}\n`,
  );
  console.log('| step | s | share |\n|---|---|---|');
  const total = backup.seconds + rehearsal.seconds;
  const row = (name: string, seconds: number): void =>
    console.log(`| ${name} | ${seconds.toFixed(1)} | ${Math.round((seconds / total) * 100)} % |`);
  row('backup, proven', backup.seconds);
  for (const [name, milliseconds] of rehearsal.spent) row(`rehearsal: ${name}`, milliseconds / 1_000);
  row('**backup and rehearsal**', total);
  console.log(`\nA pull request without new migrations: ${without.seconds.toFixed(1)} s.`);
} finally {
  await rm(workspace, { recursive: true, force: true });
}
