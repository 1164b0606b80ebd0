import { describeChange } from './describe-change.ts';
import { fieldDifferences, type FieldChange, type FieldDifference } from './field-differences.ts';
import { idText, typeName } from './id-text.ts';
import { natureOf, sameNature, type Nature, type Window } from './natural.ts';
import { pairDocuments } from './pairs.ts';
import { elementsOf, type RawElement } from '../../mongo/raw-bson.ts';
import type { Reveal } from './reveal.ts';
import type { Spill } from './spill.ts';
import { keepUnpaired, nobody, withoutPartners, type Unpaired } from './unpaired.ts';

/** How many documents differ in one field, and how. */
export interface FieldCount {
  readonly path: string;
  readonly change: FieldChange;
  /** BSON types: `string`, or `string → date`. */
  readonly types: string;
  readonly documents: number;
}

/** How the documents of one collection differ between two states. Every document is counted once. */
export interface ContentDifference {
  readonly collection: string;
  readonly added: number;
  readonly removed: number;
  /** Other values, fields or types. */
  readonly changed: number;
  /** The same values, only the order inside arrays, or of fields, is another one. */
  readonly reordered: number;
  /** Only in what a run makes anew each time. */
  readonly natural: number;
  readonly fields: readonly FieldCount[];
  readonly natures: readonly { readonly path: string; readonly nature: Nature; readonly documents: number }[];
  /** The first documents that differ not by nature, by `_id`. */
  readonly ids: readonly string[];
  /** The first of them with what changed in them: types, and values where they may be shown. */
  readonly samples: readonly { readonly id: string; readonly changes: readonly string[] }[];
  /** Documents whose removed fields are found in none of their other fields. */
  readonly lost: ReadonlyMap<string, number>;
}

export interface ComparisonOptions {
  /** When the two runs were that led to the two states: what differs by nature is told apart. Absent: nothing does. */
  readonly windows?: readonly [Window, Window] | undefined;
  readonly reveal: Reveal;
  /** Fields that may have been set to the time of the later window, whatever was there before. */
  readonly touchFields?: RegExp | undefined;
  /** Without windows: of so many changed documents the fields are looked at; the others are taken to be like them. */
  readonly examine?: number;
}

const idsShown = 5;
const samplesShown = 3;
const examinedMost = 200_000;
interface Tally {
  readonly added: Unpaired;
  readonly removed: Unpaired;
  changed: number;
  reordered: number;
  natural: number;
  examined: number;
  readonly fields: Map<string, { path: string; change: FieldChange; types: string; documents: number }>;
  readonly natures: Map<string, { path: string; nature: Nature; documents: number }>;
  readonly ids: string[];
  readonly samples: { readonly id: string; readonly changes: readonly string[] }[];
  readonly lost: Map<string, number>;
}

/** Compares two states of a collection, document by document; `undefined` when they hold the same. */
export function compareContents(
  collection: string,
  [before, after]: readonly [Spill | undefined, Spill | undefined],
  options: ComparisonOptions,
): ContentDifference | undefined {
  const tally = emptyTally();
  for (const pair of pairDocuments(before, after)) {
    if (pair.before === undefined) keepUnpaired(tally.added, pair.after);
    else if (pair.after === undefined) keepUnpaired(tally.removed, pair.before);
    else if (!pair.before.equals(pair.after)) compareOne(tally, { before: pair.before, after: pair.after }, options);
  }
  const { removed, added, pairs } = withoutPartners(tally.removed, tally.added, options.windows);
  for (let pair = 0; pair < pairs; pair++) countNature(tally, '_id', 'generated id');
  tally.natural += pairs;
  for (const document of [...removed, ...added].slice(0, idsShown - tally.ids.length)) tally.ids.push(idText(document, options.reveal.ids));
  const { changed, reordered, natural, ids, examined, samples } = tally;
  const counts = { removed: removed.length + tally.removed.more, added: added.length + tally.added.more };
  if (counts.removed + counts.added + changed + reordered + natural === 0) return undefined;
  const like = (documents: number): number => Math.round((documents / examined) * (changed + reordered + natural - pairs));
  const fields = [...tally.fields.values()].map((field) => ({ ...field, documents: like(field.documents) }));
  const lost = new Map([...tally.lost].map(([path, documents]) => [path, like(documents)]));
  const natures = [...tally.natures.values()];
  return {
    collection,
    ...counts,
    changed,
    reordered,
    natural,
    fields: fields.sort((a, b) => b.documents - a.documents),
    natures,
    ids,
    samples,
    lost,
  };
}

function emptyTally(): Tally {
  const nothing = { changed: 0, reordered: 0, natural: 0, examined: 0 };
  return { ...nothing, added: nobody(), removed: nobody(), fields: new Map(), natures: new Map(), ids: [], samples: [], lost: new Map() };
}

function compareOne(tally: Tally, pair: { readonly before: Buffer; readonly after: Buffer }, options: ComparisonOptions): void {
  // Where something may differ by nature, each one has to be looked at.
  if (options.windows === undefined && tally.examined >= (options.examine ?? examinedMost)) {
    tally.changed += 1;
    return;
  }
  tally.examined += 1;
  const differences = fieldDifferences(pair.before, pair.after);
  const natures = differences.map((difference) => ({ difference, nature: natureOfDifference(difference, options) }));
  const faults = natures.filter(({ nature }) => nature === undefined).map(({ difference }) => difference);
  for (const { difference, nature } of natures) if (nature !== undefined) countNature(tally, difference.path, nature);
  for (const difference of distinct(faults)) countField(tally, difference);
  if (faults.length === 0) {
    tally.natural += 1;
    return;
  }
  if (faults.every(({ change }) => change === 'array-order' || change === 'field-order')) tally.reordered += 1;
  else tally.changed += 1;
  for (const path of lostIn(faults, pair.after)) tally.lost.set(path, (tally.lost.get(path) ?? 0) + 1);
  const id = idText(pair.before, options.reveal.ids);
  if (tally.ids.length < idsShown) tally.ids.push(id);
  if (tally.samples.length < samplesShown)
    tally.samples.push({ id, changes: distinct(faults).map((fault) => describeChange(fault, options.reveal)) });
}

/** Paths that are removed and whose values no other field has now. */
function lostIn(differences: readonly FieldDifference[], after: Buffer): readonly string[] {
  const removed = differences.filter(({ change }) => change === 'removed');
  // Where something else changed too, the values may have gone there.
  if (removed.length < differences.length) return [];
  const kept = new Set([...elementsOf(after)].map(valueKey));
  for (const { after: value } of differences) if (value !== undefined) kept.add(valueKey(value));
  return removed
    .filter(({ before }) => before !== undefined && before.type !== 0x0a && !kept.has(valueKey(before)))
    .map(({ path }) => path);
}

function valueKey({ type, value }: RawElement): string {
  return `${type} ${value.toString('latin1')}`;
}

function typesOf({ before, after, change }: FieldDifference): string {
  const known = [before, after].filter((element) => element !== undefined).map(typeName);
  return change === 'retyped' ? known.join(' → ') : (known[0] ?? '');
}

function natureOfDifference(
  { before, after, path, change }: FieldDifference,
  { windows, touchFields }: ComparisonOptions,
): Nature | undefined {
  if (windows === undefined || before === undefined || after === undefined || change !== 'changed') return undefined;
  const touched = touchFields?.test(path.split('.').at(-1) ?? '') === true && natureOf(after, windows[1]) === 'time of the run';
  return touched ? 'time of the run' : sameNature(before, after, windows);
}

function distinct(differences: readonly FieldDifference[]): readonly FieldDifference[] {
  return [...new Map(differences.map((difference) => [`${difference.path} ${difference.change}`, difference])).values()];
}

function countField({ fields }: Tally, difference: FieldDifference): void {
  const { path, change } = difference;
  const types = typesOf(difference);
  const key = [path, change, types].join('\0');
  const known = fields.get(key);
  if (known === undefined) fields.set(key, { path, change, types, documents: 1 });
  else known.documents += 1;
}

function countNature({ natures }: Tally, path: string, nature: Nature): void {
  const known = natures.get(path);
  if (known === undefined) natures.set(path, { path, nature, documents: 1 });
  else known.documents += 1;
}
