import type { Log } from '../log/log.ts';
import type { Finding, Result, RunInfo, Table } from '../report/run-report.ts';

/** What a story says about its stage in the run report, while it works: it is kept when the story fails. */
export interface StageNotes {
  figure(name: string, value: string | number): void;
  table(table: Table): void;
  finding(finding: Finding): void;
  /** One sentence: the state of the data now. The last one counts. */
  dataState(sentence: string): void;
  /** One sentence: what a person should do next. The last one counts. */
  nextStep(sentence: string): void;
}

/** All that a story gets beside its inputs. Engines are given the parts that they need, never the whole. */
export interface Context<OutputName extends string = string, Settings = unknown> {
  readonly log: Log;
  /** Aborted on cancel (SIGINT, SIGTERM). */
  readonly signal: AbortSignal;
  readonly now: () => Date;
  readonly run: RunInfo;
  /** Folder that the actions of one job share. */
  readonly runFolder: string;
  /** Folder of the checkout, to which relative paths belong. */
  readonly workspace: string;
  /** The structured part of this action's section of migration-guard.yml, defaults filled in. */
  readonly settings: Settings;
  /** Environment of the action, for child processes and for `MONGOD_BINARY`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A fresh ID token of GitHub for an audience; the job needs the permission `id-token: write`. Throws `input/invalid` without it. */
  readonly idToken: (audience: string) => Promise<string>;
  readonly stage: StageNotes;
  /** Sets an output now; it is written whatever happens later. */
  setOutput(name: OutputName, value: string | number | readonly unknown[]): void;
  /** Keeps a value for the post step. */
  saveState(name: string, value: string): void;
}

/** How a story ended. A failed check is a result, not an exception. */
export interface Outcome {
  readonly result: Result;
  /** One sentence for the first line of every message; required unless passed. */
  readonly reason?: string;
  /** Markdown that stands in the job summary before the stage itself. */
  readonly summary?: string;
}

export type Story<Inputs, OutputName extends string = string, Settings = unknown> = (
  inputs: Inputs,
  context: Context<OutputName, Settings>,
) => Promise<Outcome>;
