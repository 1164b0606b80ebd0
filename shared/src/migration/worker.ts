import { fork, type ChildProcess } from 'node:child_process';
import type { WriteReport } from './write-command.ts';
import { GuardError } from '../errors/guard-error.ts';
import type { Log } from '../log/log.ts';
import { noEffects, type Effects } from './effects.ts';
import { placeOfFault } from './fault-place.ts';
import type { Refusal } from './worker/fence/policy.ts';
import type { BatchProgress, CallResult, Fault, RequestKind, Requests, Said } from './worker/protocol.ts';

/** The program that serves as worker: a bundle with its argument, or the entry of the sources. */
export interface WorkerProgram {
  readonly file: string;
  readonly args: readonly string[];
  /** Options of Node. */
  readonly nodeOptions?: readonly string[];
}

export interface WorkerOptions {
  readonly program: WorkerProgram;
  /** Working directory of the migrations: the folder of the project. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Told of each line that a migration writes to stderr. */
  readonly onWarning?: (line: string) => void;
}

/** A child process that loads and runs migrations, and can be killed. */
export interface Worker extends AsyncDisposable {
  /** Throws `migration/worker-failed` with the fault as message when the worker refuses or ends. */
  ask<Kind extends RequestKind>(kind: Kind, question: Requests[Kind]['ask']): Promise<Requests[Kind]['answer']>;
  /** As `ask('call', …)`, but the end of the process is a fault of the migration. */
  call(question: Requests['call']['ask']): Promise<CallResult>;
  /** What the running migration has changed so far, at most a second old. */
  effects(): Effects;
  /** How far the walks of the batch helper are in the running migration, at most a second old. */
  batches(): readonly BatchProgress[];
  /** What migrations tried to reach and did not, since the last call. */
  takeRefusals(): readonly Refusal[];
  /** Tells `listener` of the write commands of migrations, which are asked for by `record`. */
  followWrites(listener: (report: WriteReport) => void): void;
  /** Ends the process at once. */
  kill(): Promise<void>;
}

/** A request that the worker refused, with the reason as the worker found it. */
export class WorkerRefusal extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.message);
    this.fault = fault;
  }
}

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

interface WorkerState {
  effects: Effects;
  batches: readonly BatchProgress[];
  readonly refusals: Refusal[];
  onWrites: ((report: WriteReport) => void) | undefined;
  fault: Fault | undefined;
  ended: boolean;
}

type Print = (stream: 'stdout' | 'stderr', text: string) => void;

const unexplainedEnd: Fault = { name: 'Error', message: 'the process that runs the migrations ended' };

/** Starts the worker. It gets neither our inputs nor the tokens of the runner. */
export function startWorker({ program, cwd, env, log, onWarning }: WorkerOptions): Worker {
  const quiet = ['--disable-warning=ExperimentalWarning', '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON'];
  const child = fork(program.file, [...program.args], {
    cwd,
    env: environment(env),
    execArgv: [...quiet, ...(program.nodeOptions ?? [])],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const waiting = new Map<number, Waiting>();
  const state: WorkerState = { effects: noEffects, batches: [], refusals: [], onWrites: undefined, fault: undefined, ended: false };
  const printed = printer(log, onWarning);
  child.on('message', (said: Said) => hear(said, { waiting, state, printed, log }));
  for (const stream of ['stdout', 'stderr'] as const) child[stream]?.on('data', (data: Buffer) => printed(stream, data.toString('utf8')));
  const ended = endOf(child).then((how) => giveUp(waiting, state, how));
  let lastId = 0;

  const ask: Worker['ask'] = (kind, question) =>
    new Promise((resolve, reject) => {
      if (state.ended) {
        reject(new WorkerRefusal(state.fault ?? unexplainedEnd));
        return;
      }
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      child.send({ id: lastId, kind, ...question });
    });
  const kill = async (): Promise<void> => {
    if (!state.ended) child.kill('SIGKILL');
    await ended;
  };
  return {
    ask,
    kill,
    effects: () => state.effects,
    batches: () => state.batches,
    followWrites: (listener) => (state.onWrites = listener),
    takeRefusals: () => state.refusals.splice(0),
    call: async (question) => {
      state.effects = noEffects;
      state.batches = [];
      try {
        return await ask('call', question);
      } catch (error) {
        if (error instanceof WorkerRefusal) return { fault: error.fault, effects: state.effects, unawaited: [] };
        throw error;
      }
    },
    [Symbol.asyncDispose]: kill,
  };
}

interface Hearing {
  readonly waiting: Map<number, Waiting>;
  readonly state: WorkerState;
  readonly printed: Print;
  readonly log: Log;
}

function hear(said: Said, { waiting, state, printed, log }: Hearing): void {
  switch (said.kind) {
    case 'answer':
      waiting.get(said.id)?.resolve(said.answer as never);
      waiting.delete(said.id);
      return;
    case 'refused':
      waiting.get(said.id)?.reject(new WorkerRefusal(said.fault));
      waiting.delete(said.id);
      return;
    case 'output':
      printed(said.stream, said.text);
      return;
    case 'progress':
      state.effects = said.effects;
      state.batches = said.batches;
      return;
    case 'retried':
      log.warning(`The server aborted the transaction (${said.reason}); attempt ${said.attempt + 1} begins from the start of the file.`);
      return;
    case 'writes':
      state.onWrites?.(said.report);
      return;
    case 'refusal':
      state.refusals.push(said.refusal);
      return;
    case 'exiting':
      state.effects = said.effects;
      state.fault = said.fault;
  }
}

function giveUp(waiting: Map<number, Waiting>, state: WorkerState, how: string): void {
  state.ended = true;
  state.fault ??= { name: 'Error', message: `${unexplainedEnd.message} (${how})` };
  for (const { reject } of waiting.values()) reject(new WorkerRefusal(state.fault));
  waiting.clear();
}

/** The error for a request that had to succeed; its place is relative to the workspace. */
export function workerFailed(error: unknown, doing: string, workspace: string): GuardError {
  if (!(error instanceof WorkerRefusal)) throw error;
  const { fault } = error;
  const found = placeOfFault(fault, workspace);
  const place = found === undefined ? {} : { place: found };
  const remedy = fault.remedy === undefined ? {} : { remedy: fault.remedy };
  const code = driverCodes[fault.name] ?? 'migration/worker-failed';
  return new GuardError(code, `${doing}: ${fault.message}`, { cause: error, ...place, ...remedy });
}

/** What a refusal means whose cause is the driver and not a file. */
export const driverCodes: Readonly<Record<string, 'migration/driver-missing' | 'migration/driver-unsupported' | undefined>> = {
  DriverMissing: 'migration/driver-missing',
  DriverUnsupported: 'migration/driver-unsupported',
};

function environment(env: WorkerOptions['env']): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^INPUT_|^ACTIONS_.*TOKEN$|^NODE_OPTIONS$|^GITHUB_(OUTPUT|STATE|ENV|PATH)$/.test(name)),
  );
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}

/** A line of a stack: the line above it tells what happened. */
const isFrame = /^\s+at /;

/** Shows what a migration prints, line by line and indented, so that the runner takes no line for a command. */
function printer(log: Log, onWarning: WorkerOptions['onWarning']): Print {
  return (stream, text) => {
    for (const line of text.split(/\r?\n/)) {
      if (line.trim() === '') continue;
      log.info(`  | ${line}`);
      if (stream === 'stderr' && !isFrame.test(line)) onWarning?.(line);
    }
  };
}
