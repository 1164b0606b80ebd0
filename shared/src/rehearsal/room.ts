import type { MigrationFile } from '../migration/files.ts';
import type { Finding } from '../report/run-report.ts';
import { describeNatures } from './describe-difference.ts';
import type { CollectionEffects } from './effects.ts';
import type { HalfDoneSeen } from './half-done.ts';
import type { CountChange, LossLimits } from './judge.ts';
import { judgeRefusals } from './judge-up.ts';
import type { WatchedQuery } from './query-plans.ts';
import type { Limits, Observed } from './rules/rule.ts';
import { captureState, type State } from './state/capture.ts';
import type { Reveal } from './state/reveal.ts';
import { compareStates, type StateComparison } from './state/compare-states.ts';
import { placeOfFile, runStep, type Observers, type StepOptions, type Stepped } from './stepping.ts';

export interface RehearsalOptions extends StepOptions {
  readonly files: readonly MigrationFile[];
  readonly limits: LossLimits;
  /** For all runs together, milliseconds. */
  readonly timeout: number | undefined;
  readonly reveal: Reveal;
  /** Queries of the application whose plans are compared before and after each file. */
  readonly watchedQueries?: readonly WatchedQuery[];
  /** Documents of each collection where the copy came from, when the copy holds only a sample of them. */
  readonly documentsOfSource?: ReadonlyMap<string, number>;
  /** In place of the usual ones. */
  readonly ruleLimits?: Partial<Limits>;
  /** Whether each file is made to fail in the middle, on a copy that can do that; not for files that take longer than so many milliseconds. */
  readonly halfDoneUnder: number;
  /** Called with the first runs of `up`, while the copy is in the state that it names; it may only read. */
  readonly inspect?: (inspection: Inspection) => Promise<void>;
}

export interface Inspection {
  readonly steps: readonly Stepped[];
  /** What was seen of the files until now. */
  readonly files: readonly RehearsedFile[];
  /** After the last `up`; then as before the first file, or not so because a file has no exact `down`; or as a file left it that failed. */
  readonly state: 'after up' | 'as before' | 'not as before' | 'failed';
}

/** What was seen of one file. Times are milliseconds; an absent one was not run. */
export interface RehearsedFile {
  readonly name: string;
  readonly up?: number;
  readonly down?: number;
  readonly upAgain?: number;
  readonly counts: readonly CountChange[];
  /** What the first `up` did to each collection that it changed. */
  readonly effects: readonly CollectionEffects[];
  /** The first `up`, with every command and its plan. */
  readonly first?: Stepped;
  /** What differed between two runs by nature alone: the time, new ids. */
  readonly natural: readonly string[];
  /** What the recorded rules look at. */
  readonly observed?: Observed;
  /** One for each write after which it was made to fail. */
  readonly halfDone?: readonly HalfDoneSeen[];
}

export interface Rehearsal {
  readonly files: readonly RehearsedFile[];
  readonly findings: readonly Finding[];
  /** How often collections were read to be compared, and how long that took, milliseconds. */
  readonly reading: { readonly collections: number; readonly milliseconds: number };
}

type Seen = { -readonly [Key in keyof RehearsedFile]: RehearsedFile[Key] };

/** What the parts of one rehearsal share. */
export interface Room extends RehearsalOptions, Observers {
  readonly seen: Map<string, Seen>;
  readonly findings: Finding[];
  readonly kept: DisposableStack;
  readonly reading: { collections: number; milliseconds: number };
  /** The copy before the first file, and after each. */
  readonly states: State[];
  /** The copy as it is now. */
  current: State;
  /** Collections that no step touched, by the oplog: they were read before the first file only. */
  readonly unread: Set<string>;
  /** The first run of `up` of each file, by name. */
  readonly first: Map<string, Stepped>;
}

const kinds = {
  up: { direction: 'up', rule: 'rehearsal/up-failed' },
  down: { direction: 'down', rule: 'rehearsal/down-failed' },
  'up again': { direction: 'up', rule: 'rehearsal/not-repeatable' },
  'half-done': { direction: 'up', rule: undefined },
  resume: { direction: 'up', rule: undefined },
  'down of half-done': { direction: 'down', rule: undefined },
} as const;

export interface ToRun {
  readonly file: MigrationFile;
  /** What it probably leads to. */
  readonly expected?: State | undefined;
}

/** Runs one file and reads what it left; its failure is a finding. */
export async function run(room: Room, kind: keyof typeof kinds, { file, expected }: ToRun): Promise<Stepped> {
  const { direction, rule } = kinds[kind];
  const step = await runStep(room, direction, { file, resume: kind === 'resume' });
  const refused = judgeRefusals(step.refusals, room.project.workspace);
  room.findings.push(...refused);
  if (step.failure !== undefined && rule !== undefined && refused.length === 0) {
    const { message, place = placeOfFile(room.project, file) } = step.failure;
    room.findings.push({ severity: 'error', rule, message: kind === 'up again' ? `The second ${message}` : message, place });
  }
  await readNow(room, step, expected);
  return refused.length === 0 ? step : { ...step, done: undefined };
}

export async function readNow(room: Room, { changes }: Pick<Stepped, 'changes'>, expected?: State): Promise<void> {
  const startedAt = performance.now();
  const before = room.current;
  room.current = room.kept.use(
    await captureState({ ...captureOptions(room), since: { state: before, touched: changes?.touched }, expected }),
  );
  room.reading.milliseconds += performance.now() - startedAt;
  const read = room.current.census.collections.filter(({ name }) => changes?.touched.has(name) !== false);
  room.reading.collections += read.length;
  for (const { name } of read) room.unread.delete(name);
}

export function captureOptions({ db, project, signal }: StepOptions): Parameters<typeof captureState>[0] {
  return { client: db.client, database: db.databaseName, without: [project.history.collection], signal };
}

/** With the state after the first `up` of the file. */
export function compareRepeat(room: Room, index: number, again: Stepped): StateComparison {
  const runs = [...room.first.values()];
  const { to } = room.first.get(again.file.name)?.window ?? again.window;
  // What files before this one made anew in both runs differs too.
  const from = Math.min(...runs.map(({ window }) => window.from));
  const windows = [
    { from, to },
    { from: to, to: again.window.to },
  ] as const;
  return compareStates(room.states[index + 1] as State, room.current, { windows, reveal: room.reveal });
}

export function note({ seen }: Room, { name }: MigrationFile, more: Partial<Seen>): void {
  const before = seen.get(name) ?? { name, counts: [], effects: [], natural: [] };
  seen.set(name, { ...before, ...more });
}

export function noteNatures(room: Room, file: MigrationFile, comparison: StateComparison): void {
  const before = room.seen.get(file.name)?.natural ?? [];
  note(room, file, { natural: [...new Set([...before, ...describeNatures(comparison)])] });
}

/** Fields that say when a document was changed last: `down` changes it too. */
const touchFields = /^_*(updated|modified|changed|touched|last_?(update|modified|change))(d?_?(at|on|date|time))?$/i;

/** After a `down`, with the state to which it should have led back. */
export function compareDown(room: Room, before: State, { window }: Stepped): StateComparison {
  return compareStates(before, room.current, { windows: [window, window], touchFields, reveal: room.reveal });
}
