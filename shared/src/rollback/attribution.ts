import type { Effects } from '../migration/effects.ts';
import type { DefinitionChange, Mark, WritesSince } from './writes-since.ts';

/** Whose the writes since a rollback point are; or why that cannot be told. */
export type Attribution =
  | { readonly known: false; readonly why: string }
  | {
      readonly known: true;
      /** Collections that the migrations changed, or may have changed. */
      readonly touched: ReadonlySet<string>;
      /** Number of writes that are not of the migrations, by collection. */
      readonly others: ReadonlyMap<string, number>;
      /** Number of writes of which nobody can tell whose they are, by collection. */
      readonly uncertain: ReadonlyMap<string, number>;
      /** Number of writes of others to collections that a restore has replaced since, up to that moment. */
      readonly replaced: ReadonlyMap<string, number>;
    };

export interface AttributionInput {
  readonly since: WritesSince;
  /** Files that were applied or begun after the point. */
  readonly files: readonly string[];
  /** Name of the collection that records the applied migrations: it is written by nobody else. */
  readonly changelog: string;
}

/** Who writes between two marks. */
type Writer =
  | { readonly who: 'others' }
  | { readonly who: 'migration'; readonly file: string; readonly effects: Effects | undefined }
  /** A rung of an earlier rollback; `writes`: whether it writes documents into the collections themselves. */
  | { readonly who: 'rollback'; readonly writes: boolean };

const ends = ['FINISHED', 'APPLIED', 'FAILED', 'INTERRUPTED', 'ABORTED', 'ROLLED_BACK', 'ROLLBACK_FAILED'];

/**
 * Tells the writes of the migrations from those of others. Outside of the time between the journal's STARTED and the end of a file no write
 * is the migration's; within it as many are as the server confirmed to it, and the rest is not. Pure.
 */
export function attribute({ since, files, changelog }: AttributionInput): Attribution {
  if (!since.known) return since;
  const started = new Set(
    since.marks.flatMap((mark) => (mark.kind === 'journal' && mark.entry.state === 'STARTED' ? [mark.entry.file] : [])),
  );
  const absent = files.find((file) => !started.has(file));
  if (absent !== undefined) return { known: false, why: `the journal does not say when ${absent} ran` };
  const tally = new Tally(changelog);
  for (const [interval, writer] of writers(since.marks).entries()) {
    const counts = since.counts.filter((count) => count.interval === interval);
    tally.add(writer, counts);
    for (const change of since.definitions.filter((definition) => definition.interval === interval)) tally.addDefinition(writer, change);
    const mark = since.marks[interval];
    if (mark?.kind === 'swap') tally.forget(mark.collection);
  }
  return { known: true, touched: tally.touched, others: tally.others, uncertain: tally.uncertain, replaced: tally.replaced };
}

/** Who writes in each interval; the first lies before the first mark. */
function writers(marks: readonly Mark[]): readonly Writer[] {
  let writer: Writer = { who: 'others' };
  const all: Writer[] = [writer];
  for (const [index, mark] of marks.entries()) {
    if (mark.kind === 'journal') writer = nextWriter(writer, mark.entry, marks.slice(index + 1));
    all.push(writer);
  }
  return all;
}

type Entry = Extract<Mark, { kind: 'journal' }>['entry'];

function nextWriter(now: Writer, { file, state, rung }: Entry, later: readonly Mark[]): Writer {
  if (state === 'STARTED') return { who: 'migration', file, effects: effectsOf(file, later) };
  if (state === 'ROLLING_BACK') return { who: 'rollback', writes: rung === 'undo' };
  return ends.includes(state) ? { who: 'others' } : now;
}

/** What the server confirmed to a file, from the entry that ended it; nothing after a kill. */
function effectsOf(file: string, later: readonly Mark[]): Effects | undefined {
  const next = later.find((mark) => mark.kind === 'journal' && mark.entry.file === file);
  return next?.kind === 'journal' && ends.includes(next.entry.state) ? next.entry.effects : undefined;
}

/** Commands whose replies do not say how many documents they wrote where. */
const uncounted = /^(\$out|\$merge|mapReduce|bulkWrite)\b/;

class Tally {
  readonly touched: Set<string> = new Set();
  readonly others: Map<string, number> = new Map();
  readonly uncertain: Map<string, number> = new Map();
  readonly replaced: Map<string, number> = new Map();
  readonly #changelog: string;
  /** What is left of the writes that the server confirmed to a file. */
  readonly #left: Map<Effects, Map<string, number>> = new Map();

  constructor(changelog: string) {
    this.#changelog = changelog;
    this.touched.add(changelog);
  }

  add(writer: Writer, counts: readonly { readonly collection: string; readonly writes: number }[]): void {
    for (const { collection, writes } of counts) {
      if (collection === this.#changelog) continue;
      if (writer.who === 'others' || (writer.who === 'rollback' && !writer.writes)) more(this.others, collection, writes);
      else if (writer.who === 'migration') this.#split(writer, collection, writes);
      else this.#doubt(collection, writes);
    }
  }

  addDefinition(writer: Writer, { kind, collection, to }: DefinitionChange): void {
    if (collection === this.#changelog || writer.who === 'rollback') return;
    for (const name of [collection, ...(to === undefined ? [] : [to])]) {
      if (writer.who === 'migration') this.touched.add(name);
      else if (kind !== 'create' || !this.touched.has(name)) more(this.others, name, 1);
    }
  }

  /** A restore has replaced the collection: what was written to the old one does not count any more. */
  forget(collection: string): void {
    this.replaced.set(collection, this.others.get(collection) ?? 0);
    this.others.delete(collection);
    this.uncertain.delete(collection);
  }

  #split({ effects }: Extract<Writer, { who: 'migration' }>, collection: string, writes: number): void {
    if (effects === undefined || effects.structure.some((command) => uncounted.test(command))) {
      this.#doubt(collection, writes);
      return;
    }
    const left = this.#leftOf(effects);
    const own = Math.min(writes, left.get(collection) ?? 0);
    left.set(collection, (left.get(collection) ?? 0) - own);
    if (own > 0) this.touched.add(collection);
    if (writes > own) more(this.others, collection, writes - own);
  }

  #leftOf(effects: Effects): Map<string, number> {
    const known = this.#left.get(effects);
    if (known !== undefined) return known;
    const sums = Object.entries(effects.collections).map(([name, { inserted, modified, deleted }]): [string, number] => {
      return [name, inserted + modified + deleted];
    });
    const left = new Map(sums);
    this.#left.set(effects, left);
    return left;
  }

  #doubt(collection: string, writes: number): void {
    this.touched.add(collection);
    more(this.uncertain, collection, writes);
  }
}

function more(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}
