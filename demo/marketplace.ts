import { execFile } from 'node:child_process';
import { cp, mkdir } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { ensureBinary } from '@migration-guard/shared/embedded/binary';
import { startEmbedded } from '@migration-guard/shared/embedded/server';
import { silentLog } from '@migration-guard/shared/log/log';
import { MongoClient, type Db } from 'mongodb';
import { writeSettings } from './app/settings.ts';
import { loadMarketplace } from './data/load.ts';
import { startMailSink, startSlackSink, type Sink } from './sinks.ts';
import type { Timeline } from './timeline.ts';

const run = promisify(execFile);
const control = path.join(import.meta.dirname, 'app', 'control.ts');

/** All that the acts play on. */
export interface Marketplace extends AsyncDisposable {
  readonly uri: string;
  readonly db: Db;
  /** Address of the API. */
  readonly service: string;
  /** The checkout: configuration and migrations. */
  readonly workspace: string;
  /** Where backups are kept. */
  readonly store: string;
  readonly slack: Sink;
  readonly mail: Sink;
  /** The shell command that stops or starts the application. */
  readonly command: (what: 'stop' | 'start') => string;
  /** Puts the migrations of `folder` (under demo/migrations) into the checkout. */
  merge(folder: 'good' | 'bad'): Promise<void>;
}

/** Starts database, application and the stand-ins for Slack and the mail server; everything is in or ends with `folder`. */
export async function openMarketplace(folder: string, timeline: Timeline): Promise<Marketplace> {
  await using resources = new AsyncDisposableStack();
  const step = async <T>(name: string, body: () => Promise<T>, text: (value: T) => string): Promise<T> => {
    const started = performance.now();
    const value = await body();
    timeline.step('neutral', name, { milliseconds: performance.now() - started, text: text(value) });
    return value;
  };

  const { server } = await step('database', startDatabase, ({ binary }) => `replica set, mongod ${binary.version} (${binary.source})`);
  resources.use(server);
  const client = resources.adopt(await MongoClient.connect(server.uri, { serverSelectionTimeoutMS: 3_000 }), (open) => open.close());
  const db = client.db('marketplace');
  await step(
    'data',
    () => loadMarketplace(db),
    (count) => `${count.toLocaleString('en')} documents, always the same ones`,
  );

  const app = path.join(folder, 'app');
  await mkdir(app);
  const port = await freePort();
  await writeSettings(app, { uri: server.uri, database: db.databaseName, port, owner: process.pid });
  resources.defer(async () => void (await run(process.execPath, [control, 'stop', app])));
  await step(
    'application',
    () => run(process.execPath, [control, 'start', app]),
    ({ stdout }) => stdout.trim(),
  );

  const slack = resources.use(await startSlackSink());
  const mail = resources.use(await startMailSink());
  const workspace = path.join(folder, 'checkout');
  await cp(path.join(import.meta.dirname, '.github'), path.join(workspace, '.github'), { recursive: true });
  const owned = resources.move();
  return {
    uri: server.uri,
    db,
    service: `http://127.0.0.1:${port}`,
    workspace,
    store: path.join(folder, 'backups'),
    slack,
    mail,
    command: (what) => [process.execPath, control, what, app].map((word) => `"${word}"`).join(' '),
    merge: (name) => cp(path.join(import.meta.dirname, 'migrations', name), path.join(workspace, 'migrations'), { recursive: true }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function startDatabase(): Promise<{
  server: Awaited<ReturnType<typeof startEmbedded>>;
  binary: Awaited<ReturnType<typeof ensureBinary>>;
}> {
  const binary = await ensureBinary({ env: process.env, log: silentLog });
  const topology = { kind: 'replica-set', members: 1 } as const;
  return { binary, server: await startEmbedded({ binary: binary.path, topology, cacheGigabytes: 0.5 }) };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
