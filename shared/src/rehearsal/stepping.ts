import path from 'node:path';
import type { Db } from 'mongodb';
import type { GuardError } from '../errors/guard-error.ts';
import type { Log } from '../log/log.ts';
import type { MigrationFile } from '../migration/files.ts';
import type { Journal } from '../migration/journal.ts';
import type { Lock } from '../migration/lock.ts';
import { nothingObserved, type Observation } from '../migration/observation.ts';
import type { Project } from '../migration/project.ts';
import { runDown, runUp } from '../migration/run.ts';
import type { DoneFile, RunOptions } from '../migration/run-contract.ts';
import type { Refusal } from '../migration/worker/fence/policy.ts';
import type { LoadedFile } from '../migration/worker/protocol.ts';
import type { Changes, ChangeTracker } from './change-tracking.ts';
import type { PlanSeen, Profiler } from './profile.ts';
import type { Window } from './state/natural.ts';

/** What every step of a rehearsal needs. */
export interface StepOptions {
  /** The copy. */
  readonly db: Db;
  /** Its worker is fenced in and connected to the copy, and the files are loaded. */
  readonly project: Project;
  readonly loaded: ReadonlyMap<string, LoadedFile>;
  readonly journal: Journal;
  readonly lock: Pick<Lock, 'confirm' | 'lost' | 'token'>;
  readonly appName: string;
  readonly log: Log;
  readonly now: () => Date;
  readonly signal: AbortSignal;
  readonly transaction?: RunOptions['transaction'];
}

export interface Observers {
  readonly tracker: ChangeTracker;
  readonly profiler: Profiler;
  /** By `performance.now()`, for all steps together. */
  readonly deadline: number | undefined;
}

/** One run of `up` or `down` of one file on the copy, with all that was seen of it. */
export interface Stepped {
  readonly file: MigrationFile;
  /** Absent when it failed. */
  readonly done: DoneFile | undefined;
  readonly failure: GuardError | undefined;
  readonly milliseconds: number;
  readonly observation: Observation;
  /** `undefined`: the server does not tell. */
  readonly plans: readonly PlanSeen[] | undefined;
  /** `undefined`: the server does not tell. */
  readonly changes: Changes | undefined;
  readonly refusals: readonly Refusal[];
  readonly window: Window;
}

/** Runs one file. Its failure is told, not thrown; throws when the rehearsal is cancelled, out of time, or the server fails. */
export async function runStep(
  options: StepOptions & Observers,
  direction: 'up' | 'down',
  { file, resume = false }: { readonly file: MigrationFile; readonly resume?: boolean },
): Promise<Stepped> {
  const timeout = options.deadline === undefined ? undefined : Math.max(1, Math.round(options.deadline - performance.now()));
  const from = Date.now();
  const run = direction === 'down' ? runDown : runUp;
  const again = resume ? { resume: new Set([file.name]) } : {};
  const { done, failure } = await run({ ...options, files: [file], timeout, ...again });
  const window = { from, to: Date.now() };
  if (failure !== undefined && failure.error.code !== 'migration/failed') throw failure.error;
  return {
    file,
    done: done[0],
    failure: failure?.error,
    milliseconds: done[0]?.milliseconds ?? window.to - window.from,
    observation: done[0]?.observation ?? failure?.observation ?? nothingObserved,
    plans: await options.profiler.next(),
    changes: await options.tracker.next(),
    refusals: options.project.worker.takeRefusals(),
    window,
  };
}

/** Place of a file in the workspace, for a finding that no line can be named for. */
export function placeOfFile({ workspace }: Pick<Project, 'workspace'>, file: MigrationFile): { readonly file: string } {
  return { file: path.relative(workspace, file.path) };
}
