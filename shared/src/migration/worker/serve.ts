import path from 'node:path';
import { isNativeError } from 'node:util/types';
import { noEffects, type Effects } from '../effects.ts';
import { importGraph, type ImportGraph } from './bson-majors.ts';
import { chooseDriver, DriverMissing, DriverUnsupported, type Driver } from './driver.ts';
import { watchEnvironment, type EnvironmentWatch } from './environment.ts';
import { faultOf } from './fault.ts';
import { installHooks, serveModule } from './hooks.ts';
import { loadConfig } from './config.ts';
import { loadMigration, withVariables, type Migration } from './load.ts';
import type { Ask, CallResult, Fault, RequestKind, Requests, Said } from './protocol.ts';
import { perform, type Connected } from './perform.ts';
import { record } from './recorder.ts';
import { interceptSessions } from './sessions.ts';
import { followClients, type ClientWrites } from './client-writes.ts';
import { startWatch, type Watch } from './watch.ts';

interface State {
  driver?: Driver;
  connected?: Connected;
  /** The migration that runs now; its failures outside of its promise end here. */
  running?: { readonly path: string; readonly strays: unknown[]; readonly stray: () => void };
  /** Ends the file that runs now at its next safe point. */
  cancel?: AbortController;
  readonly migrations: Map<string, Migration>;
  readonly graph: ImportGraph;
  readonly environment: EnvironmentWatch;
  readonly writes: ClientWrites;
  /** Those of migrate-mongo's configuration. */
  clientOptions?: Readonly<Record<string, unknown>>;
  /** During a rehearsal. */
  watch?: Watch;
  /** The file that is loaded now. */
  loading?: string;
}

/**
 * The child process in which migrations are loaded and run. It does what the parent asks and nothing else: lock, history and journal are
 * the parent's. It ends with the parent, however that ends.
 */
export function serve(): void {
  Error.stackTraceLimit = 50;
  const state: State = {
    migrations: new Map(),
    graph: importGraph(),
    environment: watchEnvironment(process),
    writes: followClients((report) => say({ kind: 'writes', report })),
  };
  process.on('disconnect', () => process.exit(0));
  // A terminal sends Ctrl-C to the whole group: when to stop is for the parent to say.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  redirectOutput();
  warnOfLoggedErrors();
  reportExit(state);
  catchStrays(state);
  process.on('message', (ask: Ask) => void respond(ask, state));
}

async function respond(ask: Ask, state: State): Promise<void> {
  try {
    say({ kind: 'answer', id: ask.id, answer: await answer(ask, state) });
  } catch (error) {
    say({ kind: 'refused', id: ask.id, fault: refusal(error, ask, state) });
  }
}

async function answer(ask: Ask, state: State): Promise<Requests[RequestKind]['answer']> {
  if (ask.kind === 'watch') return watch(ask, state);
  if (ask.kind === 'config') return config(ask, state);
  if (ask.kind === 'load') return load(ask, state);
  if (ask.kind === 'connect') return connect(ask, state);
  if (ask.kind === 'record') return recordWrites(state);
  if (ask.kind === 'cancel') return cancel(ask, state);
  return run(ask, state);
}

function refusal(error: unknown, ask: Ask, { environment }: State): Fault {
  if (error instanceof DriverMissing) return { name: 'DriverMissing', message: error.message };
  if (error instanceof DriverUnsupported) return { name: 'DriverUnsupported', message: error.message };
  return ask.kind === 'config' ? withVariables(faultOf(error, ask.file), environment.take()) : faultOf(error, '');
}

async function watch(ask: Requests['watch']['ask'], state: State): Promise<null> {
  state.watch = startWatch(ask, {
    current: () => state.running?.path ?? state.loading,
    fail: (error) => {
      state.running?.strays.push(error);
      state.running?.stray();
    },
    tell: (refusal) => say({ kind: 'refusal', refusal }),
  });
  if (state.driver !== undefined) adopt(state, state.driver);
  return null;
}

function adopt(state: State, driver: Driver): Driver {
  state.driver = state.watch?.adopt(driver) ?? driver;
  serveModule(state.driver);
  return state.driver;
}

async function config({ file, driver }: Requests['config']['ask'], state: State): Promise<Requests['config']['answer']> {
  await useDriver(state, path.dirname(file), driver);
  const loaded = await loadConfig(file);
  state.clientOptions = loaded.clientOptions;
  return loaded.config;
}

async function useDriver(state: State, folder: string, choice: Requests['load']['ask']['driver']): Promise<Driver> {
  if (state.driver === undefined) {
    installHooks({ graph: state.graph, driver: adopt(state, state.writes.adopt(await chooseDriver(folder, choice))) });
  }
  return needed(state.driver, 'driver');
}

async function load(ask: Requests['load']['ask'], state: State): Promise<Requests['load']['answer']> {
  const { folder, file, names } = ask;
  const driver = await useDriver(state, folder, ask.driver);
  state.loading = file.path;
  const { graph, environment } = state;
  const { told, migration } = await loadMigration(file, { names, driver, graph, environment });
  if (migration !== undefined) state.migrations.set(file.name, migration);
  return { file: told, driver: { source: driver.source, version: driver.version } };
}

async function connect({ uri, database, appName }: Requests['connect']['ask'], state: State): Promise<null> {
  const { MongoClient: Client } = needed(state.driver, 'driver').module;
  const majority = /[?&]w=/i.test(uri) ? {} : { writeConcern: { w: 'majority' as const } };
  const client = new Client(uri, { ...state.clientOptions, appName, monitorCommands: true, serverSelectionTimeoutMS: 15_000, ...majority });
  await client.connect();
  const { setName, msg } = await client.db('admin').command({ hello: 1 });
  state.connected = {
    client,
    db: client.db(database),
    recorder: record(client),
    sessions: interceptSessions(client, needed(state.driver, 'driver').module),
    transactions: setName !== undefined || msg === 'isdbgrid',
  };
  return null;
}

function recordWrites({ connected, driver, writes }: State): null {
  const { client, db } = needed(connected, 'connection');
  const { BSON } = needed(driver, 'driver').module;
  writes.record(client, { database: db.databaseName, serialize: (document) => BSON.serialize(document) });
  return null;
}

async function run(question: Requests['call']['ask'], state: State): Promise<CallResult> {
  const migration = needed(state.migrations.get(question.name), 'migration');
  state.watch?.begin();
  state.cancel = new AbortController();
  const result = await perform(question, {
    connected: needed(state.connected, 'connection'),
    migration,
    signal: state.cancel.signal,
    say,
    withStrays: (body) => withStrays(state, migration, body),
  });
  state.writes.tell();
  return { ...result, ...observed(state) };
}

function cancel({ reason }: Requests['cancel']['ask'], state: State): null {
  state.cancel?.abort(new Error(reason));
  return null;
}

function observed({ watch }: State): Pick<CallResult, 'observation'> {
  return watch === undefined ? {} : { observation: watch.observation() };
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

/** An error that a migration catches and only logs deserves a look, whichever way it logs it. */
function warnOfLoggedErrors(): void {
  for (const name of ['log', 'info', 'debug'] as const) {
    const print = console[name].bind(console);
    console[name] = (...given: unknown[]): void => (given.some(isNativeError) ? console.error(...given) : print(...given));
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
