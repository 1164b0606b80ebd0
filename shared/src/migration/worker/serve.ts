import path from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Db, MongoClient } from 'mongodb';
import { noEffects, type Effects } from '../effects.ts';
import { chooseDriver, DriverMissing, type Driver } from './driver.ts';
import { faultOf } from './fault.ts';
import { installHooks } from './hooks.ts';
import { loadConfig, loadMigration, type Migration } from './load.ts';
import type { Ask, CallResult, Fault, RequestKind, Requests, Said } from './protocol.ts';
import { record, type Recorder } from './recorder.ts';

const progressMilliseconds = 1_000;

interface Connected {
  readonly client: MongoClient;
  readonly db: Db;
  readonly recorder: Recorder;
}

interface State {
  driver?: Driver;
  connected?: Connected;
  /** The migration that runs now; its failures outside of its promise end here. */
  running?: { readonly path: string; readonly strays: unknown[]; readonly stray: () => void };
  readonly migrations: Map<string, Migration>;
}

/**
 * The child process in which migrations are loaded and run. It does what the parent asks and nothing else: lock, history and journal are
 * the parent's. It ends with the parent, however that ends.
 */
export function serve(): void {
  Error.stackTraceLimit = 50;
  const state: State = { migrations: new Map() };
  process.on('disconnect', () => process.exit(0));
  // A terminal sends Ctrl-C to the whole group: when to stop is for the parent to say.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  redirectOutput();
  reportExit(state);
  catchStrays(state);
  process.on('message', (ask: Ask) => void respond(ask, state));
}

async function respond(ask: Ask, state: State): Promise<void> {
  try {
    say({ kind: 'answer', id: ask.id, answer: await answer(ask, state) });
  } catch (error) {
    say({ kind: 'refused', id: ask.id, fault: refusal(error, ask) });
  }
}

function answer(ask: Ask, state: State): Promise<Requests[RequestKind]['answer']> {
  if (ask.kind === 'config') return config(ask, state);
  if (ask.kind === 'load') return load(ask, state);
  if (ask.kind === 'connect') return connect(ask, state);
  return run(ask, state);
}

function refusal(error: unknown, ask: Ask): Fault {
  if (error instanceof DriverMissing) return { name: 'DriverMissing', message: error.message };
  return faultOf(error, ask.kind === 'config' ? ask.file : '');
}

async function config({ file, driver }: Requests['config']['ask'], state: State): Promise<Requests['config']['answer']> {
  await useDriver(state, path.dirname(file), driver);
  return loadConfig(file);
}

async function useDriver(state: State, folder: string, choice: Requests['load']['ask']['driver']): Promise<Driver> {
  if (state.driver === undefined) {
    state.driver = await chooseDriver(folder, choice);
    installHooks(state.driver);
  }
  return state.driver;
}

async function load(ask: Requests['load']['ask'], state: State): Promise<Requests['load']['answer']> {
  const driver = await useDriver(state, ask.folder, ask.driver);
  const files: Requests['load']['answer']['files'][number][] = [];
  for (const name of ask.files) {
    const { told, migration } = await loadMigration(ask.folder, name);
    if (migration !== undefined) state.migrations.set(name, migration);
    files.push(told);
  }
  return { files, driver: { source: driver.source, version: driver.version } };
}

async function connect({ uri, database, appName }: Requests['connect']['ask'], state: State): Promise<null> {
  const { MongoClient: Client } = needed(state.driver, 'driver').module;
  const majority = /[?&]w=/i.test(uri) ? {} : { writeConcern: { w: 'majority' as const } };
  const client = new Client(uri, { appName, monitorCommands: true, serverSelectionTimeoutMS: 15_000, ...majority });
  await client.connect();
  state.connected = { client, db: client.db(database), recorder: record(client) };
  return null;
}

async function run({ name, direction }: Requests['call']['ask'], state: State): Promise<CallResult> {
  const { client, db, recorder } = needed(state.connected, 'connection');
  const migration = needed(state.migrations.get(name), 'migration');
  recorder.reset();
  const progress = setInterval(() => say({ kind: 'progress', effects: recorder.effects() }), progressMilliseconds);
  let unawaited = 0;
  try {
    await withStrays(state, migration, async () => {
      await migration.run(direction, db, client);
      unawaited = await settle(recorder);
    });
    return { effects: recorder.effects(), unawaited };
  } catch (error) {
    await settle(recorder);
    return { fault: faultOf(error, migration.path), effects: recorder.effects(), unawaited };
  } finally {
    clearInterval(progress);
  }
}

/** Runs `body`; a rejection or exception of the migration that nobody waits for fails it too. */
async function withStrays(state: State, { path: file }: Migration, body: () => Promise<void>): Promise<void> {
  const strays: unknown[] = [];
  const stray = new Promise<void>((resolve) => {
    state.running = { path: file, strays, stray: resolve };
  });
  try {
    await Promise.race([body(), stray]);
    if (strays.length > 0) throw strays[0];
  } finally {
    delete state.running;
  }
}

/** Waits for the writes that are still under way and tells how many there were. */
async function settle(recorder: Recorder): Promise<number> {
  await nextTurn();
  await sleep(1);
  const found = recorder.writesUnderWay();
  while (recorder.writesUnderWay() > 0) await sleep(5);
  return found;
}

function catchStrays(state: State): void {
  const catchOne = (error: unknown): void => {
    if (state.running === undefined) {
      process.stderr.write(`An error that nobody waited for: ${faultOf(error, '').message}\n`);
      return;
    }
    state.running.strays.push(error);
    state.running.stray();
  };
  process.on('unhandledRejection', catchOne);
  process.on('uncaughtException', catchOne);
}

/** What a migration prints goes to the parent in order with the answers. */
function redirectOutput(): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    process[stream].write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      say({ kind: 'output', stream, text: typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8') });
      const done = rest.find((argument) => typeof argument === 'function') as (() => void) | undefined;
      done?.();
      return true;
    };
  }
}

/** Tells which line of a migration called `process.exit`, before it does end. */
function reportExit(state: State): void {
  const exit = process.exit.bind(process);
  process.exit = (code?: number) => {
    if (process.connected) {
      const error = new Error(`process.exit(${code ?? ''}) was called`);
      const effects: Effects = state.connected?.recorder.effects() ?? noEffects;
      say({ kind: 'exiting', code: code ?? 0, effects, fault: faultOf(error, state.running?.path ?? '') });
    }
    return exit(code);
  };
}

function say(said: Said): void {
  if (process.connected) process.send?.(said);
}

function needed<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`The migration worker was asked too early: no ${what}.`);
  return value;
}
