import type { Db } from 'mongodb';
import { compareCensus, type CensusDifference } from '../checks/compare-census.ts';
import type { GuardError } from '../errors/guard-error.ts';
import type { Log } from '../log/log.ts';
import type { MigrationFile } from '../migration/files.ts';
import type { Journal } from '../migration/journal.ts';
import type { Lock } from '../migration/lock.ts';
import type { Project } from '../migration/project.ts';
import { runDown, runUp, type DoneFile, type RunResult } from '../migration/run.ts';
import type { LoadedFile } from '../migration/worker/protocol.ts';
import { takeCensus, type Census } from '../mongo/census.ts';
import type { Finding } from '../report/run-report.ts';
import { countChanges, describeDifference, judgeDown, judgeLoss, judgeRepeat, type CountChange, type LossLimits } from './judge.ts';

export interface RehearsalOptions {
  /** The copy. */
  readonly db: Db;
  /** Its worker is connected to the copy, and the files are loaded. */
  readonly project: Project;
  readonly files: readonly MigrationFile[];
  readonly loaded: ReadonlyMap<string, LoadedFile>;
  readonly journal: Journal;
  readonly lock: Pick<Lock, 'confirm' | 'lost'>;
  readonly appName: string;
  readonly limits: LossLimits;
  readonly log: Log;
  readonly now: () => Date;
  readonly signal: AbortSignal;
  /** For all runs together, milliseconds. */
  readonly timeout: number | undefined;
}

/** What was seen of one file. Times are milliseconds; an absent one was not run. */
export interface RehearsedFile {
  readonly name: string;
  readonly up?: number;
  readonly down?: number;
  readonly upAgain?: number;
  readonly counts: readonly CountChange[];
  /** Everything else that `up` changed, for people. */
  readonly otherChanges: readonly string[];
}

export interface Rehearsal {
  readonly files: readonly RehearsedFile[];
  readonly findings: readonly Finding[];
}

interface Seen {
  name: string;
  up?: number;
  down?: number;
  upAgain?: number;
  counts: readonly CountChange[];
  otherChanges: readonly string[];
}

interface State extends RehearsalOptions {
  readonly seen: Map<string, Seen>;
  readonly findings: Finding[];
  readonly deadline: number | undefined;
}

/**
 * Runs every file up, then every file down and compares with what was there before it, then up again and compares with the first time.
 * A fault ends the rehearsal where nothing behind it could be trusted. Throws only when it is cancelled, out of time, or the server fails.
 */
export async function rehearse(options: RehearsalOptions): Promise<Rehearsal> {
  const deadline = options.timeout === undefined ? undefined : performance.now() + options.timeout;
  const state: State = { ...options, seen: new Map(), findings: [], deadline };
  const states = [await census(state)];
  if (await allUp(state, states)) {
    const reached = await allDown(state, states);
    if (reached !== undefined) await allUpAgain(state, states, reached);
  }
  return { files: [...state.seen.values()], findings: state.findings };
}

/** Fills `states` with the census after each file. Tells whether all files ran. */
async function allUp(state: State, states: Census[]): Promise<boolean> {
  for (const file of state.files) {
    const done = await step(state, 'up', file);
    if (done === undefined) return false;
    const before = states.at(-1) as Census;
    const after = await census(state);
    states.push(after);
    const counts = countChanges(before, after);
    const differences = compareCensus(before, after);
    const otherChanges = differences.filter(({ what }) => what !== 'documents').map(describeDifference);
    state.seen.set(file.name, { name: file.name, up: done.milliseconds, counts, otherChanges });
    state.findings.push(...judgeLoss(file.name, counts, state.limits), ...done.warnings.map((warning) => warningOf(file.name, warning)));
    if (differences.length === 0) {
      state.findings.push({
        severity: 'warning',
        rule: 'rehearsal/changed-nothing',
        message: `up of ${file.name} changed nothing on the copy.`,
      });
    }
  }
  await checkHistory(state);
  return true;
}

/** Returns the index of the first file that was taken back, or `undefined` when what follows could not be trusted. */
async function allDown(state: State, states: readonly Census[]): Promise<number | undefined> {
  for (const [index, file] of [...state.files.entries()].reverse()) {
    if (state.loaded.get(file.name)?.down !== true) {
      const message = `${file.name} has no down: it, and what comes before it, can only be taken back by a restore.`;
      state.findings.push({ severity: 'warning', rule: 'rehearsal/down-missing', message });
      return index + 1;
    }
    const done = await step(state, 'down', file);
    if (done === undefined) return undefined;
    note(state, file, { down: done.milliseconds });
    const found = judgeDown(file.name, await differences(state, states[index] as Census));
    state.findings.push(...found);
    if (found.some(({ severity }) => severity === 'error')) return undefined;
  }
  return 0;
}

async function allUpAgain(state: State, states: readonly Census[], from: number): Promise<void> {
  for (const [index, file] of [...state.files.entries()].slice(from)) {
    const done = await step(state, 'up again', file);
    if (done === undefined) return;
    note(state, file, { upAgain: done.milliseconds });
    const found = judgeRepeat(file.name, await differences(state, states[index + 1] as Census));
    state.findings.push(...found);
    if (found.some(({ severity }) => severity === 'error')) return;
  }
}

const failureRules = { up: 'rehearsal/up-failed', down: 'rehearsal/down-failed', 'up again': 'rehearsal/not-repeatable' } as const;

/** Runs one file; its failure is a finding. */
async function step(state: State, kind: keyof typeof failureRules, file: MigrationFile): Promise<DoneFile | undefined> {
  const timeout = state.deadline === undefined ? undefined : Math.max(1, Math.round(state.deadline - performance.now()));
  const run = kind === 'down' ? runDown : runUp;
  const { done, failure }: RunResult = await run({ ...state, files: [file], timeout });
  if (failure === undefined) return done[0];
  const { error } = failure;
  if (error.code !== 'migration/failed') throw error;
  state.findings.push(failureFinding(failureRules[kind], kind === 'up again' ? `The second ${error.message}` : error.message, error));
  return undefined;
}

function failureFinding(rule: string, message: string, { place }: GuardError): Finding {
  return { severity: 'error', rule, message, ...(place === undefined ? {} : { place }) };
}

/** The history of the copy must hold what was run, or the next deployment would run it again. */
async function checkHistory({ db, project, files, findings }: State): Promise<void> {
  const recorded = new Set((await project.history.read(db)).map(({ fileName }) => fileName));
  for (const { name } of files) {
    if (recorded.has(name)) continue;
    findings.push({
      severity: 'error',
      rule: 'rehearsal/history-lost',
      message: `${name} ran, but the history does not hold it any more: a migration changes ${project.history.collection}.`,
    });
  }
}

/** The history changes by our own hand: it is looked at in `checkHistory`. */
async function census({ db, project, signal, log }: State): Promise<Census> {
  const taken = await takeCensus(db.client, db.databaseName, { digests: true, signal, log });
  return { ...taken, collections: taken.collections.filter(({ name }) => name !== project.history.collection) };
}

async function differences(state: State, expected: Census): Promise<readonly CensusDifference[]> {
  return compareCensus(expected, await census(state));
}

function note({ seen }: State, { name }: MigrationFile, times: Partial<Pick<Seen, 'down' | 'upAgain'>>): void {
  const before = seen.get(name) ?? { name, counts: [], otherChanges: [] };
  seen.set(name, { ...before, ...times });
}

function warningOf(name: string, message: string): Finding {
  return { severity: 'warning', rule: 'rehearsal/warning', message: `${name}: ${message}` };
}
