// npm run bench:rollback: a migration that touched few documents of many is rolled back, beside drop and mongorestore --gzip of the whole dump.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { MongoClient } from 'mongodb';
import { ensureBinary } from '@migration-guard/shared/embedded/binary';
import { startEmbedded } from '@migration-guard/shared/embedded/server';
import { silentLog } from '@migration-guard/shared/log/log';
import { startJob, type Job, type StepResult } from '@migration-guard/shared/testing/action-runner';
import { measure } from '../backup/measure.ts';
import { documentBytes, fillOrders } from './data.ts';

const { values: options } = parseArgs({
  options: {
    documents: { type: 'string', default: '10000000' },
    touched: { type: 'string', default: '100000' },
    /** Folder with `action-migrate` and `action-rollback`; default: this repository. */
    bundles: { type: 'string', default: path.resolve(import.meta.dirname, '../..') },
    /** Shows what the actions say, with the seconds since their start. */
    verbose: { type: 'boolean', default: false },
  },
});
const documents = Number(options.documents);
const touched = Number(options.touched);
const mongodump = process.env['MONGODUMP'] ?? 'mongodump';
const mongorestore = process.env['MONGORESTORE'] ?? 'mongorestore';
const database = 'rollback';

const migration = `export const irreversible = 'what is measured is the undo';
export async function up(db) {
  await db.collection('orders').updateMany({ _id: { $lt: ${touched} } }, { $set: { status: 'archived' }, $inc: { total: 1 } });
}
`;

interface Row {
  readonly what: string;
  readonly seconds: number;
  readonly remark: string;
}
const rows: Row[] = [];

async function timed<T>(what: string, body: () => Promise<T>, remark: (result: T) => string = () => ''): Promise<T> {
  const started = performance.now();
  const result = await body();
  const row = { what, seconds: (performance.now() - started) / 1_000, remark: remark(result) };
  rows.push(row);
  console.error(`${row.what}: ${row.seconds.toFixed(1)} s ${row.remark}`);
  return result;
}

/** Runs one action; its failure ends the measurement. */
async function step(job: Job, action: string, inputs: Readonly<Record<string, string>>): Promise<StepResult> {
  const started = performance.now();
  const show = (text: string): void =>
    console.error(`  ${((performance.now() - started) / 1_000).toFixed(2)} ${text.trim().slice(0, 200)}`);
  const result = await job.run(action, {
    inputs: { mode: 'apply', uri: server.uri, database, ...inputs },
    timeoutMilliseconds: 900_000,
    ...(options.verbose ? { onOutput: show } : {}),
  });
  if (result.exitCode !== 0) throw new Error(`${action} failed:\n${result.rawLog.slice(-4_000)}`);
  return result;
}

const binary = await ensureBinary({ env: process.env, log: silentLog });
process.env['MONGOD_BINARY'] = binary.path;
const folder = await mkdtemp(path.join(tmpdir(), 'migration-guard-bench-'));
const args = ['--oplogSize', '4096'];
await using server = await startEmbedded({ binary: binary.path, topology: { kind: 'replica-set', members: 1 }, cacheGigabytes: 3, args });
await using client = new MongoClient(server.uri);
await using job = await startJob({ actions: path.resolve(options.bundles) });
try {
  const orders = client.db(database).collection<{ _id: number; status: string }>('orders');
  await mkdir(path.join(job.workspace, 'migrations'));
  await writeFile(path.join(job.workspace, 'package.json'), '{"type":"module"}');
  await writeFile(path.join(job.workspace, 'migrations', '1-archive.js'), migration);
  await timed(
    'fill',
    () => fillOrders(client, database, documents),
    () => `${documents} documents of ${documentBytes} bytes, one index beside _id`,
  );
  await timed('mongodump --gzip', () =>
    measure(`${mongodump} --quiet --uri '${server.uri}' -d ${database} --gzip -o ${folder}/dump`, process.env),
  );
  await timed(
    'action-migrate apply',
    () => step(job, 'migrate', {}),
    () => 'with the rollback point and its digests',
  );
  const changed = await orders.countDocuments({ status: 'archived' });
  if (changed !== touched) throw new Error(`The migration changed ${changed} documents.`);
  await timed(
    'action-rollback apply',
    () => step(job, 'rollback', { 'rollback-point': 'latest' }),
    ({ outputs }) => `rung ${outputs['rung']}, proof ${outputs['proof']} (${outputs['proof-extent']})`,
  );
  await timed(
    'action-rollback plan, proof: whole',
    () => step(job, 'rollback', { 'rollback-point': 'latest', mode: 'plan', proof: 'whole' }),
    ({ outputs }) => `every document is read: proof ${outputs['proof']} (${outputs['proof-extent']})`,
  );
  if ((await orders.countDocuments({ status: 'archived' })) > 0) throw new Error('The rollback left documents as they were.');
  await timed('drop + mongorestore --gzip', async () => {
    await client.db(database).dropDatabase();
    await measure(`${mongorestore} --quiet --uri '${server.uri}' --gzip ${folder}/dump`, process.env);
  });
  const restored = await orders.estimatedDocumentCount();
  if (restored !== documents) throw new Error(`mongorestore left ${restored} documents.`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
const secondsOf = (what: string): number => rows.find((row) => row.what === what)?.seconds ?? Number.NaN;
const factor = secondsOf('drop + mongorestore --gzip') / secondsOf('action-rollback apply');
console.log(
  `mongod ${binary.version}, ${availableParallelism()} cores shared by server and client, ${touched} of ${documents} documents touched\n`,
);
console.log('| what | s | |\n|---|---|---|');
for (const { what, seconds, remark } of rows) console.log(`| ${what} | ${seconds.toFixed(1)} | ${remark} |`);
console.log(`\nThe rollback took 1/${factor.toFixed(1)} of the restore.`);
