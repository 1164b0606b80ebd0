import type { CatalogEntry } from '../../mongo/catalog.ts';
import type { Census, CollectionCensus } from '../../mongo/census.ts';
import { parseExtendedJson } from '../../mongo/extended-json.ts';

/** A change of a definition since the point. */
export interface DefinitionEvent {
  readonly kind: string;
  readonly by: 'migration' | 'others';
  readonly collection: string;
  readonly uuid: string;
  readonly to: string | undefined;
  /** UUID of the collection that a rename replaced. */
  readonly replaced: string | undefined;
  /** Names of the indexes that it names. */
  readonly indexes: readonly string[];
  /** Whether a restore of ours gave the collection its name. */
  readonly restored: boolean;
}

export interface IndexChange {
  readonly collection: string;
  readonly name: string;
  /** Canonical Extended JSON. */
  readonly index: string;
}

export interface DefinitionPlan {
  /** Why the definitions cannot be put back one by one. */
  readonly impossible?: string;
  /** Collections to get their names back. */
  readonly renames: readonly { readonly uuid: string; readonly from: string; readonly to: string }[];
  /** Collections, by UUID, and views, by name, that the migration made. */
  readonly drops: readonly { readonly uuid: string | undefined; readonly name: string }[];
  /** Collections that the migration dropped: they come from the backup. */
  readonly restores: readonly CollectionCensus[];
  readonly dropIndexes: readonly IndexChange[];
  readonly createIndexes: readonly (IndexChange & { readonly collated: boolean })[];
  /** `collMod` commands, without the name of the collection. */
  readonly modifications: readonly { readonly collection: string; readonly what: string; readonly change: ReadonlyMap<string, unknown> }[];
  readonly createViews: readonly CollectionCensus[];
  /** UUIDs of collections that the migration made, also of those that a restore replaces. */
  readonly made: ReadonlySet<string>;
  /** UUID now of the collections of the point that have another one since a restore. */
  readonly successors: ReadonlyMap<string, string>;
  /** What the definitions have to be: those of the point, and what others changed since. */
  readonly expected: Census;
}

export interface DefinitionInput {
  readonly point: Census;
  readonly now: readonly CatalogEntry[];
  readonly events: readonly DefinitionEvent[];
  /** UUIDs of collections of which we switched pre-images on. */
  readonly switchedOn: ReadonlySet<string>;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] extends readonly (infer Item)[] ? Item[] : T[Key] };
type Draft = Writable<Omit<DefinitionPlan, 'expected' | 'successors' | 'impossible' | 'made'>> & {
  impossible?: string;
  readonly successors: Map<string, string>;
  readonly made: Set<string>;
  readonly expected: CollectionCensus[];
};

/** What has to be done to bring the definitions back, those of others left alone. Pure. */
export function planDefinitions(input: DefinitionInput): DefinitionPlan {
  const draft: Draft = {
    renames: [],
    drops: [],
    restores: [],
    dropIndexes: [],
    createIndexes: [],
    modifications: [],
    createViews: [],
    successors: new Map(),
    made: new Set(),
    expected: [],
  };
  const found = new Set<CatalogEntry>();
  for (const wanted of input.point.collections) {
    const entry = standingFor(wanted, input, draft);
    if (entry !== undefined) found.add(entry);
    if (entry === undefined) missing(wanted, input, draft);
    else compare(wanted, entry, { input, draft });
  }
  for (const entry of input.now) if (!found.has(entry)) added(entry, input, draft);
  const expected = [...draft.expected].sort((a, b) => (a.name < b.name ? -1 : 1));
  // What a restore puts in the place of a collection, it drops by itself.
  const drops = draft.drops.filter(({ name }) => !draft.restores.some((restore) => restore.name === name));
  return { ...draft, drops, expected: { ...input.point, collections: expected } };
}

/** The entry that is the collection of the point now: by UUID, after a restore of ours by name. */
function standingFor(wanted: CollectionCensus, { now, events }: DefinitionInput, draft: Draft): CatalogEntry | undefined {
  if (wanted.type !== 'collection') return now.find(({ name, type }) => name === wanted.name && type === wanted.type);
  const same = now.find(({ uuid, type }) => type === 'collection' && uuid === wanted.uuid);
  if (same !== undefined) return same;
  const named = now.find(({ name, type }) => name === wanted.name && type === 'collection');
  if (named?.uuid === undefined || !events.some(({ restored, uuid }) => restored && uuid === named.uuid)) return undefined;
  if (wanted.uuid !== undefined) draft.successors.set(wanted.uuid, named.uuid);
  return named;
}

function missing(wanted: CollectionCensus, { events }: DefinitionInput, draft: Draft): void {
  const gone = events.filter(
    ({ kind, uuid, replaced, collection }) =>
      replaced === wanted.uuid ||
      (kind === 'drop' && (wanted.type === 'view' ? collection === wanted.name : uuid === wanted.uuid)) ||
      kind === 'dropDatabase',
  );
  if (gone.length > 0 && gone.every(({ by }) => by === 'others')) return;
  draft.expected.push(wanted);
  if (wanted.type === 'view') draft.createViews.push(wanted);
  else if (wanted.type === 'timeseries')
    draft.impossible ??= `the time series ${wanted.name} is gone, and its documents are not told one by one`;
  else draft.restores.push(wanted);
}

interface Comparing {
  readonly input: DefinitionInput;
  readonly draft: Draft;
}

function compare(wanted: CollectionCensus, entry: CatalogEntry, { input, draft }: Comparing): void {
  const { events } = input;
  const own = events.filter(({ uuid, collection }) => (entry.uuid === undefined ? collection === wanted.name : uuid === entry.uuid));
  const byOthers = (fits: (event: DefinitionEvent) => boolean): boolean => {
    const fitting = own.filter(fits);
    return fitting.length > 0 && fitting.every(({ by }) => by === 'others');
  };
  let expected = wanted;
  if (entry.name !== wanted.name && byOthers(({ kind }) => kind === 'rename')) expected = { ...expected, name: entry.name };
  else if (entry.name !== wanted.name && entry.uuid !== undefined)
    draft.renames.push({ uuid: entry.uuid, from: entry.name, to: wanted.name });
  const options = comparable(entry.options, input.switchedOn.has(entry.uuid ?? ''));
  if (!sameMap(options, comparable(wanted.options, false)) && !byOthers(({ kind, indexes }) => kind === 'modify' && indexes.length === 0)) {
    modifyOptions(wanted, options, draft);
  } else {
    // Equal but for what the server says explicitly after a change: as it is now.
    expected = { ...expected, options: withoutPreImages(entry.options, input.switchedOn.has(entry.uuid ?? '')) };
  }
  const indexes = compareIndexes({ ...wanted, name: expected.name }, entry, {
    draft,
    othersOnly: (name) => byOthers((event) => event.indexes.includes(name)),
  });
  draft.expected.push({ ...expected, indexes });
}

/** Options that can be changed by `collMod`, with the value that stands for none. */
const modifiable: Readonly<Record<string, unknown>> = {
  validator: new Map(),
  validationLevel: 'strict',
  validationAction: 'error',
  expireAfterSeconds: 'off',
  changeStreamPreAndPostImages: new Map([['enabled', false]]),
};

function modifyOptions(wanted: CollectionCensus, now: ReadonlyMap<string, unknown>, draft: Draft): void {
  const before = comparable(wanted.options, false);
  if (wanted.type === 'view') {
    const { viewOn, pipeline } = Object.fromEntries(before);
    const collation = JSON.stringify(before.get('collation')) === JSON.stringify(now.get('collation'));
    if (collation)
      draft.modifications.push({
        collection: wanted.name,
        what: 'view',
        change: new Map([
          ['viewOn', viewOn],
          ['pipeline', pipeline],
        ]),
      });
    else {
      draft.drops.push({ uuid: undefined, name: wanted.name });
      draft.createViews.push(wanted);
    }
    return;
  }
  const names = [...new Set([...before.keys(), ...now.keys()])].filter((name) => text(before.get(name)) !== text(now.get(name)));
  const fixed = names.find((name) => !(name in modifiable));
  if (fixed !== undefined) draft.impossible ??= `the option ${fixed} of ${wanted.name} cannot be changed back`;
  const change = new Map(names.map((name) => [name, before.get(name) ?? modifiable[name]]));
  draft.modifications.push({ collection: wanted.name, what: 'options', change });
}

interface ComparingIndexes {
  readonly draft: Draft;
  readonly othersOnly: (name: string) => boolean;
}

/** Returns the indexes that have to be there. */
function compareIndexes(wanted: CollectionCensus, entry: CatalogEntry, { draft, othersOnly }: ComparingIndexes): readonly string[] {
  const collection = wanted.name;
  const collated = parseExtendedJson(wanted.options).has('collation');
  const before = byName(wanted.indexes);
  const now = byName(entry.indexes);
  const expected: string[] = [];
  for (const [name, index] of before) {
    const standing = now.get(name);
    if (standing === index) expected.push(index);
    else if (othersOnly(name)) expected.push(...(standing === undefined ? [] : [standing]));
    else {
      expected.push(index);
      const change = standing === undefined ? undefined : indexModification(index, standing);
      if (change !== undefined) draft.modifications.push({ collection, what: `index ${name}`, change: new Map([['index', change]]) });
      else if (name === '_id_') draft.impossible ??= `the index _id_ of ${collection} differs`;
      else {
        if (standing !== undefined) draft.dropIndexes.push({ collection, name, index: standing });
        draft.createIndexes.push({ collection, name, index, collated });
      }
    }
  }
  for (const [name, index] of now) {
    if (before.has(name)) continue;
    if (othersOnly(name)) expected.push(index);
    else draft.dropIndexes.push({ collection, name, index });
  }
  return expected.sort();
}

/** What `collMod` has to be told to turn `standing` into `wanted`; `undefined` where it cannot. */
function indexModification(wanted: string, standing: string): ReadonlyMap<string, unknown> | undefined {
  const [before, now] = [parseExtendedJson(wanted), parseExtendedJson(standing)];
  const rest = (index: ReadonlyMap<string, unknown>): string =>
    text(new Map([...index].filter(([name]) => name !== 'hidden' && name !== 'expireAfterSeconds')));
  if (rest(before) !== rest(now) || (now.has('expireAfterSeconds') && !before.has('expireAfterSeconds'))) return undefined;
  const change = new Map<string, unknown>([['name', before.get('name')]]);
  if (before.get('hidden') !== now.get('hidden')) change.set('hidden', before.get('hidden') ?? false);
  if (text(before.get('expireAfterSeconds')) !== text(now.get('expireAfterSeconds')))
    change.set('expireAfterSeconds', before.get('expireAfterSeconds'));
  return change;
}

function added(entry: CatalogEntry, { events }: DefinitionInput, draft: Draft): void {
  const made = events.filter(
    ({ kind, uuid, collection, to }) =>
      (kind === 'create' || kind === 'rename') &&
      (entry.uuid === undefined ? collection === entry.name : uuid === entry.uuid || to === entry.name),
  );
  const byMigration = made.some(({ by }) => by === 'migration');
  if (byMigration && entry.uuid !== undefined) draft.made.add(entry.uuid);
  if (byMigration) draft.drops.push({ uuid: entry.type === 'collection' ? entry.uuid : undefined, name: entry.name });
  else draft.expected.push({ ...entry, documents: 0 });
}

function byName(indexes: readonly string[]): ReadonlyMap<string, string> {
  return new Map(indexes.map((index) => [String(parseExtendedJson(index).get('name')), index]));
}

/** The options without what the server says of itself after `collMod`, and without what we switched on. */
function comparable(options: string, switchedOn: boolean): ReadonlyMap<string, unknown> {
  const map = new Map(parseExtendedJson(withoutPreImages(options, switchedOn)));
  if (map.get('validationLevel') === 'strict') map.delete('validationLevel');
  if (map.get('validationAction') === 'error') map.delete('validationAction');
  return map;
}

/** Canonical Extended JSON of the options without `changeStreamPreAndPostImages`, where it is ours. */
export function withoutPreImages(options: string, switchedOn: boolean): string {
  return switchedOn ? options.replace(/,?"changeStreamPreAndPostImages":\{"enabled":true\}/, '').replace('{,', '{') : options;
}

function sameMap(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.has(name) && text(value) === text(b.get(name)));
}

/** Maps as lists of pairs, so that their order counts. */
function text(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) => (inner instanceof Map ? [...inner] : inner)) ?? '';
}
