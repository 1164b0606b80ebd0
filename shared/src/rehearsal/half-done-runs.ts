import type { MigrationFile } from '../migration/files.ts';
import type { Finding } from '../report/run-report.ts';
import {
  countWrites,
  failAfter,
  failNoMore,
  judgeBroken,
  judgeHalfDone,
  outcomeOfRepeat,
  pointsOf,
  type HalfDoneSeen,
} from './half-done.ts';
import { compareDown, compareRepeat, note, run, type Room } from './room.ts';
import { isSame } from './state/compare-states.ts';
import { placeOfFile, type Stepped } from './stepping.ts';

/** From the last file to the first: taken back, made to fail in the middle, run again. Ends where a file leaves a state nobody knows. */
export async function allHalfDone(room: Room, from: number): Promise<void> {
  const points = room.files.map((file) => pointsOfFile(room.first.get(file.name)));
  // What lies before the first of them may stay.
  const earliest = points.findIndex((one, index) => index >= from && one.length > 0);
  if (earliest === -1) return;
  for (const [index, file] of [...room.files.entries()].slice(earliest).reverse()) {
    const first = room.first.get(file.name);
    if (first === undefined || first.milliseconds > room.halfDoneUnder) return;
    if ((await run(room, 'down', { file, expected: room.states[index] })).done === undefined) return;
    const writes = countWrites(first.observation);
    for (const after of points[index] ?? []) {
      if (!(await failAfter(room.db, room.appName, after))) return;
      if (!(await halfDone(room, { index, file, writes, after }))) return;
    }
  }
}

/** What is done in a transaction is done wholly or not at all. */
function pointsOfFile(first: Stepped | undefined): readonly number[] {
  if (first === undefined || first.observation.transactions.length > 0 || first.done?.inTransaction === true) return [];
  return pointsOf(countWrites(first.observation), first.milliseconds);
}

interface Middle {
  readonly index: number;
  readonly file: MigrationFile;
  readonly writes: number;
  readonly after: number;
}

/** Tells whether the copy is as it was before the file again. */
async function halfDone(room: Room, { index, file, writes, after }: Middle): Promise<boolean> {
  const before = room.current;
  const broken = await runBroken(room, file);
  const ignored = broken.done !== undefined;
  if (ignored) await room.project.history.recordReverted(room.db, file.name);
  const again = await run(room, 'resume', { file, expected: room.states[index + 1] });
  const comparison = again.done === undefined ? undefined : compareRepeat(room, index, again);
  const outcome = outcomeOfRepeat(again, comparison);
  const back = room.loaded.get(file.name)?.down === true ? await run(room, 'down of half-done', { file, expected: before }) : undefined;
  const exact = back?.done !== undefined && isSame(compareDown(room, before, back));
  const down = back === undefined ? 'missing' : back.done === undefined ? 'fails' : exact ? 'exact' : 'not exact';
  const seen: HalfDoneSeen = { after, of: writes, ignored, again: outcome, ...(outcome === 'same data' ? {} : { down }) };
  note(room, file, { halfDone: [...(room.seen.get(file.name)?.halfDone ?? []), seen] });
  const place = placeOfFile(room.project, file);
  const idempotent = room.loaded.get(file.name)?.idempotent === true;
  addOnce(room, [...judgeBroken(broken, place), ...judgeHalfDone(file.name, seen, { idempotent, place, comparison })]);
  return exact;
}

/** Failing after another write finds the same once more. */
function addOnce({ findings }: Room, more: readonly Finding[]): void {
  for (const finding of more) {
    const told = findings.some(({ rule, place }) => rule === finding.rule && place?.file === finding.place?.file);
    if (!told) findings.push(finding);
  }
}

/** `up` while its writes fail. */
async function runBroken(room: Room, file: MigrationFile): Promise<Stepped> {
  try {
    return await run(room, 'half-done', { file });
  } finally {
    await failNoMore(room.db);
  }
}
