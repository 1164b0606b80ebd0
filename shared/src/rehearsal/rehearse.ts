import type { MigrationFile } from '../migration/files.ts';
import type { Finding } from '../report/run-report.ts';
import { trackChanges } from './change-tracking.ts';
import { describeComparison, describeNatures } from './describe-difference.ts';
import { effectsBetween, type CollectionEffects } from './effects.ts';
import { countWrites, failAfter, failNoMore, judgeBroken, judgeHalfDone, outcomeOfRepeat, type HalfDoneSeen } from './half-done.ts';
import { countChanges, judgeDown, judgeLoss, judgeRepeat, type CountChange, type LossLimits } from './judge.ts';
import { judgeRefusals, judgeUp } from './judge-up.ts';
import { openProfiler } from './profile.ts';
import { usualLimits, type Observed } from './rules/rule.ts';
import { captureState, type State } from './state/capture.ts';
import type { ComparisonOptions } from './state/compare-contents.ts';
import { compareStates, isSame, type StateComparison } from './state/compare-states.ts';
import { placeOfFile, runStep, type Observers, type StepOptions, type Stepped } from './stepping.ts';

export interface RehearsalOptions extends StepOptions {
  readonly files: readonly MigrationFile[];
  readonly limits: LossLimits;
  /** For all runs together, milliseconds. */
  readonly timeout: number | undefined;
  /** Whether `_id`s that may be personal are shown. */
  readonly reveal: boolean;
  /** Whether each file is made to fail in the middle, on a copy that can do that; not for files that take longer than so many milliseconds. */
  readonly halfDoneUnder: number;
  /** Called once with the first runs of `up`, while the copy is in the state that it names; it may only read. */
  readonly inspect?: (inspection: Inspection) => Promise<void>;
}

export interface Inspection {
  readonly steps: readonly Stepped[];
  /** As before the first file again, not so because a file has no exact `down`, or as a file left it that failed. */
  readonly state: 'as before' | 'not as before' | 'failed';
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
  readonly halfDone?: HalfDoneSeen;
}

export interface Rehearsal {
  readonly files: readonly RehearsedFile[];
  readonly findings: readonly Finding[];
  /** How often collections were read to be compared, and how long that took, milliseconds. */
  readonly reading: { readonly collections: number; readonly milliseconds: number };
}

type Seen = { -readonly [Key in keyof RehearsedFile]: RehearsedFile[Key] };

interface Room extends RehearsalOptions, Observers {
  readonly seen: Map<string, Seen>;
  readonly findings: Finding[];
  readonly kept: DisposableStack;
  readonly reading: { collections: number; milliseconds: number };
  /** The copy before the first file, and after each. */
  readonly states: State[];
  /** The copy as it is now. */
  current: State;
  /** The first run of `up` of each file, by name. */
  readonly first: Map<string, Stepped>;
}

/**
 * Runs every file up, then every file down and compares with what was there before it, then up again and compares with the first time; at
 * last, each file is made to fail in the middle. A fault ends the rehearsal where nothing behind it could be trusted. Throws only when it is
 * cancelled, out of time, or the server fails.
 */
export async function rehearse(options: RehearsalOptions): Promise<Rehearsal> {
  using kept = new DisposableStack();
  await using profiler = await openProfiler(options.db, options.appName, options.log);
  const deadline = options.timeout === undefined ? undefined : performance.now() + options.timeout;
  const start = performance.now();
  const current = kept.use(await captureState(captureOptions(options)));
  const reading = { collections: current.census.collections.length, milliseconds: performance.now() - start };
  const tracker = await trackChanges(options.db.client, options.db.databaseName);
  const room: Room = {
    ...options,
    profiler,
    tracker,
    deadline,
    kept,
    reading,
    current,
    states: [current],
    seen: new Map(),
    first: new Map(),
    findings: [],
  };
  if (await allUp(room)) {
    const from = await allDown(room);
    await options.inspect?.({ steps: [...room.first.values()], state: from === 0 ? 'as before' : 'not as before' });
    if (from !== undefined && (await allUpAgain(room, from))) await allHalfDone(room, from);
  }
  await proveUntouched(room);
  return { files: [...room.seen.values()], findings: room.findings, reading: room.reading };
}

/** Keeps the state after each file. Tells whether all files ran. */
async function allUp(room: Room): Promise<boolean> {
  for (const file of room.files) {
    const before = room.current;
    const step = await run(room, 'up', file);
    if (step.done === undefined) {
      await room.inspect?.({ steps: [...room.first.values(), step], state: 'failed' });
      return false;
    }
    room.first.set(file.name, step);
    const counts = countChanges(before.census, room.current.census);
    const effects = effectsBetween(before, room.current, room.reveal);
    room.states.push(room.current);
    const observed = observedOf({ step, effects, before, after: room.current });
    room.seen.set(file.name, { name: file.name, up: step.milliseconds, counts, effects, first: step, natural: [], observed });
    const existing = before.census.collections.map(({ name }) => name);
    const { workspace } = room.project;
    const place = placeOfFile(room.project, file);
    room.findings.push(...judgeLoss(file.name, counts, room.limits).map((finding) => ({ ...finding, place })));
    room.findings.push(...judgeUp({ step, existing, changedNothing: effects.length === 0, workspace, place }));
  }
  await checkHistory(room);
  return true;
}

/** Returns the index of the first file that was taken back, or `undefined` when what follows could not be trusted. */
async function allDown(room: Room): Promise<number | undefined> {
  for (const [index, file] of [...room.files.entries()].reverse()) {
    if (room.loaded.get(file.name)?.down !== true) {
      const message = `${file.name} has no down: it, and what comes before it, can only be taken back by a restore.`;
      room.findings.push({ severity: 'warning', rule: 'rehearsal/down-missing', message, place: placeOfFile(room.project, file) });
      return index + 1;
    }
    const step = await run(room, 'down', file);
    if (step.done === undefined) return undefined;
    note(room, file, { down: step.milliseconds });
    const comparison = compare(room, index, { windows: [step.window, step.window], touchFields });
    noteNatures(room, file, comparison);
    const upChangedNothing = room.seen.get(file.name)?.effects.length === 0;
    const found = judgeDown(file.name, comparison, { upChangedNothing });
    room.findings.push(...found.map((finding) => ({ ...finding, place: placeOfFile(room.project, file) })));
    if (found.some(({ severity }) => severity === 'error')) return undefined;
    const { observed } = room.seen.get(file.name) ?? {};
    if (observed !== undefined) note(room, file, { observed: { ...observed, takenBack: true } });
  }
  return 0;
}

interface FirstRun {
  readonly step: Stepped;
  readonly effects: readonly CollectionEffects[];
  readonly before: State;
  readonly after: State;
}

function observedOf({ step, effects, before, after }: FirstRun): Observed {
  const counts = new Map(before.census.collections.map(({ name, documents }) => [name, documents]));
  const sizes = [...after.largest].map(([name, bytes]) => [name, { before: before.largest.get(name) ?? 0, after: bytes }] as const);
  return { step, effects, before: counts, largest: new Map(sizes), takenBack: false, limits: usualLimits };
}

/** Fields that say when a document was changed last: `down` changes it too. */
const touchFields = /^_*(updated|modified|changed|touched|last_?(update|modified|change))(d?_?(at|on|date|time))?$/i;

async function allUpAgain(room: Room, from: number): Promise<boolean> {
  for (const [index, file] of [...room.files.entries()].slice(from)) {
    const step = await run(room, 'up again', file);
    if (step.done === undefined) return false;
    note(room, file, { upAgain: step.milliseconds });
    const comparison = compareRepeat(room, index, step);
    noteNatures(room, file, comparison);
    const found = judgeRepeat(file.name, comparison);
    room.findings.push(...found.map((finding) => ({ ...finding, place: placeOfFile(room.project, file) })));
    if (found.some(({ severity }) => severity === 'error')) return false;
  }
  return true;
}

/** From the last file to the first: taken back, made to fail in the middle, run again. Ends where a file leaves a state nobody knows. */
async function allHalfDone(room: Room, from: number): Promise<void> {
  for (const [index, file] of [...room.files.entries()].slice(from).reverse()) {
    const first = room.first.get(file.name);
    const writes = first === undefined ? 0 : countWrites(first.observation);
    if (first === undefined || first.milliseconds > room.halfDoneUnder) return;
    if ((await run(room, 'down', file)).done === undefined) return;
    if (writes < 2 || first.observation.transactions.length > 0 || first.done?.inTransaction === true) continue;
    if (!(await halfDone(room, { index, file, writes }))) return;
  }
}

interface Middle {
  readonly index: number;
  readonly file: MigrationFile;
  readonly writes: number;
}

/** Tells whether the copy is as it was before the file again. */
async function halfDone(room: Room, { index, file, writes }: Middle): Promise<boolean> {
  const after = Math.ceil(writes / 2);
  if (!(await failAfter(room.db, room.appName, after))) return false;
  const broken = await runBroken(room, file);
  const ignored = broken.done !== undefined;
  room.findings.push(...judgeBroken(broken, placeOfFile(room.project, file)));
  if (ignored) await room.project.history.recordReverted(room.db, file.name);
  const again = await run(room, 'resume', file);
  const comparison = again.done === undefined ? undefined : compareRepeat(room, index, again);
  const outcome = outcomeOfRepeat(again, comparison);
  const back = room.loaded.get(file.name)?.down === true ? await run(room, 'down of half-done', file) : undefined;
  const exact = back?.done !== undefined && isSame(compare(room, index, { windows: [back.window, back.window], touchFields }));
  const down = back === undefined ? 'missing' : back.done === undefined ? 'fails' : exact ? 'exact' : 'not exact';
  const seen: HalfDoneSeen = { after, of: writes, ignored, again: outcome, ...(outcome === 'same data' ? {} : { down }) };
  note(room, file, { halfDone: seen });
  const place = placeOfFile(room.project, file);
  room.findings.push(...judgeHalfDone(file.name, seen, { idempotent: room.loaded.get(file.name)?.idempotent === true, place, comparison }));
  return exact;
}

/** `up` while its writes fail. */
async function runBroken(room: Room, file: MigrationFile): Promise<Stepped> {
  try {
    return await run(room, 'half-done', file);
  } finally {
    await failNoMore(room.db);
  }
}

const kinds = {
  up: { direction: 'up', rule: 'rehearsal/up-failed' },
  down: { direction: 'down', rule: 'rehearsal/down-failed' },
  'up again': { direction: 'up', rule: 'rehearsal/not-repeatable' },
  'half-done': { direction: 'up', rule: undefined },
  resume: { direction: 'up', rule: undefined },
  'down of half-done': { direction: 'down', rule: undefined },
} as const;

/** Runs one file and reads what it left; its failure is a finding. */
async function run(room: Room, kind: keyof typeof kinds, file: MigrationFile): Promise<Stepped> {
  const { direction, rule } = kinds[kind];
  const step = await runStep(room, direction, { file, resume: kind === 'resume' });
  const refused = judgeRefusals(step.refusals, room.project.workspace);
  room.findings.push(...refused);
  if (step.failure !== undefined && rule !== undefined && refused.length === 0) {
    const { message, place = placeOfFile(room.project, file) } = step.failure;
    room.findings.push({ severity: 'error', rule, message: kind === 'up again' ? `The second ${message}` : message, place });
  }
  await readNow(room, step);
  return refused.length === 0 ? step : { ...step, done: undefined };
}

async function readNow(room: Room, { changes }: Pick<Stepped, 'changes'>): Promise<void> {
  const startedAt = performance.now();
  const before = room.current;
  room.current = room.kept.use(await captureState({ ...captureOptions(room), since: { state: before, touched: changes?.touched } }));
  room.reading.milliseconds += performance.now() - startedAt;
  room.reading.collections += room.current.census.collections.filter(({ name }) => changes?.touched.has(name) !== false).length;
}

function captureOptions({ db, project, signal }: StepOptions): Parameters<typeof captureState>[0] {
  return { client: db.client, database: db.databaseName, without: [project.history.collection], signal };
}

function compare(room: Room, index: number, options: Omit<ComparisonOptions, 'reveal'>): StateComparison {
  return compareStates(room.states[index] as State, room.current, { ...options, reveal: room.reveal });
}

/** With the state after the first `up` of the file. */
function compareRepeat(room: Room, index: number, again: Stepped): StateComparison {
  const file = room.files[index]?.name ?? '';
  const first = room.first.get(file)?.window ?? again.window;
  // What files before this one made anew in both runs differs too.
  const all = [...room.first.values()].map(({ window }) => window.from);
  const since = room.seen.get(room.files[0]?.name ?? '') === undefined ? again.window.from : Math.min(...all);
  return compare(room, index + 1, {
    windows: [
      { from: since, to: first.to },
      { from: first.to, to: again.window.to },
    ],
  });
}

/** The history of the copy must hold what was run, or the next deployment would run it again. */
async function checkHistory({ db, project, files, findings }: Room): Promise<void> {
  const recorded = new Set((await project.history.read(db)).map(({ fileName }) => fileName));
  for (const file of files) {
    if (recorded.has(file.name)) continue;
    findings.push({
      severity: 'error',
      rule: 'rehearsal/history-lost',
      message: `${file.name} ran, but the history does not hold it any more: a migration changes ${project.history.collection}.`,
      place: placeOfFile(project, file),
    });
  }
}

/** Collections that no step touched, by the oplog, are read once more: they must be what they were before the first file. */
async function proveUntouched(room: Room): Promise<void> {
  const [start] = room.states;
  if (start === undefined) return;
  const unread = new Set(
    room.current.census.collections.map(({ name }) => name).filter((name) => sharesContents(start, room.current, name)),
  );
  await readNow(room, { changes: { touched: unread, oplogBytes: new Map() } });
  const { structure, contents } = compareStates(start, room.current, { reveal: room.reveal });
  const changed = {
    structure: structure.filter(({ collection }) => unread.has(collection)),
    contents: contents.filter(({ collection }) => unread.has(collection)),
  };
  if (isSame(changed)) return;
  const message = `Collections changed although no migration wrote to them: ${describeComparison(changed)}. Something else writes to the copy.`;
  room.findings.push({ severity: 'error', rule: 'rehearsal/copy-disturbed', message });
}

function sharesContents(start: State, now: State, name: string): boolean {
  const kept = start.contents.get(name);
  return kept !== undefined && kept === now.contents.get(name);
}

function note({ seen }: Room, { name }: MigrationFile, more: Partial<Seen>): void {
  const before = seen.get(name) ?? { name, counts: [], effects: [], natural: [] };
  seen.set(name, { ...before, ...more });
}

function noteNatures(room: Room, file: MigrationFile, comparison: StateComparison): void {
  const before = room.seen.get(file.name)?.natural ?? [];
  note(room, file, { natural: [...new Set([...before, ...describeNatures(comparison)])] });
}
