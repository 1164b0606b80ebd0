import { trackChanges } from './change-tracking.ts';
import { describeComparison } from './describe-difference.ts';
import { allHalfDone } from './half-done-runs.ts';
import { countChanges, judgeDown, judgeLoss, judgeRepeat } from './judge.ts';
import { judgeUp } from './judge-up.ts';
import { observeUp } from './observe.ts';
import { openProfiler } from './profile.ts';
import { planQueries } from './query-plans.ts';
import {
  captureOptions,
  compareDown,
  compareRepeat,
  note,
  noteNatures,
  readNow,
  run,
  type Inspection,
  type Rehearsal,
  type RehearsalOptions,
  type Room,
} from './room.ts';
import { captureState, type State } from './state/capture.ts';
import { compareStates, isSame } from './state/compare-states.ts';
import { placeOfFile, type Stepped } from './stepping.ts';

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
  const tracker = await trackChanges(captureOptions(options));
  const room: Room = {
    ...options,
    profiler,
    tracker,
    deadline,
    kept,
    reading,
    current,
    unread: new Set(current.census.collections.map(({ name }) => name)),
    states: [current],
    seen: new Map(),
    first: new Map(),
    findings: [],
  };
  if (await allUp(room)) {
    await inspect(room, 'after up');
    const from = await allDown(room);
    await inspect(room, from === 0 ? 'as before' : 'not as before');
    if (from !== undefined && (await allUpAgain(room, from))) await allHalfDone(room, from);
  }
  await proveUntouched(room);
  return { files: [...room.seen.values()], findings: room.findings, reading: room.reading };
}

async function inspect({ inspect: look, first, seen }: Room, state: Inspection['state'], ...failed: readonly Stepped[]): Promise<void> {
  await look?.({ steps: [...first.values(), ...failed], files: [...seen.values()], state });
}

/** Keeps the state after each file. Tells whether all files ran. */
async function allUp(room: Room): Promise<boolean> {
  let plans = await planQueries(room.db, room.watchedQueries ?? []);
  for (const file of room.files) {
    const before = room.current;
    const step = await run(room, 'up', { file });
    if (step.done === undefined) {
      await inspect(room, 'failed', step);
      return false;
    }
    const counts = countChanges(before.census, room.current.census);
    const { effects, observed, ...seen } = await observeUp(room, { step, before, plans });
    plans = seen.plans;
    room.first.set(file.name, step);
    room.states.push(room.current);
    room.seen.set(file.name, { name: file.name, up: step.milliseconds, counts, effects, first: step, natural: [], observed });
    const existing = before.census.collections.map(({ name }) => name);
    const { workspace } = room.project;
    const place = placeOfFile(room.project, file);
    room.findings.push(...judgeLoss({ step, place }, counts, room.limits));
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
    const step = await run(room, 'down', { file, expected: room.states[index] });
    if (step.done === undefined) return undefined;
    note(room, file, { down: step.milliseconds });
    const comparison = compareDown(room, room.states[index] as State, step);
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

async function allUpAgain(room: Room, from: number): Promise<boolean> {
  for (const [index, file] of [...room.files.entries()].slice(from)) {
    const step = await run(room, 'up again', { file, expected: room.states[index + 1] });
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
  const unread = new Set(room.unread);
  if (start === undefined || unread.size === 0) return;
  await readNow(room, { changes: { touched: unread, oplogBytes: new Map() } }, start);
  const { structure, contents } = compareStates(start, room.current, { reveal: room.reveal });
  const changed = {
    structure: structure.filter(({ collection, what }) => unread.has(collection) && (what === 'documents' || what === 'digest')),
    contents: contents.filter(({ collection }) => unread.has(collection)),
  };
  if (isSame(changed)) return;
  const message = `Collections changed although no migration wrote to them: ${describeComparison(changed)}. Something else writes to the copy.`;
  room.findings.push({ severity: 'error', rule: 'rehearsal/copy-disturbed', message });
}
