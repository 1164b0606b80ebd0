import type { CatalogEntry } from '../../mongo/catalog.ts';
import type { CollectionCensus } from '../../mongo/census.ts';
import type { DefinitionDraft, DefinitionEvent, DefinitionInput, DefinitionPlan } from './definition-plan.ts';
import { compareIndexes } from './plan-indexes.ts';
import { comparable, modifyOptions, sameMap, withoutPreImages } from './plan-options.ts';

/** What has to be done to bring the definitions back, those of others left alone. Pure. */
export function planDefinitions(input: DefinitionInput): DefinitionPlan {
  const draft: DefinitionDraft = {
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
function standingFor(wanted: CollectionCensus, { now, events }: DefinitionInput, draft: DefinitionDraft): CatalogEntry | undefined {
  if (wanted.type !== 'collection') return now.find(({ name, type }) => name === wanted.name && type === wanted.type);
  const same = now.find(({ uuid, type }) => type === 'collection' && uuid === wanted.uuid);
  if (same !== undefined) return same;
  const named = now.find(({ name, type }) => name === wanted.name && type === 'collection');
  if (named?.uuid === undefined || !events.some(({ restored, uuid }) => restored && uuid === named.uuid)) return undefined;
  if (wanted.uuid !== undefined) draft.successors.set(wanted.uuid, named.uuid);
  return named;
}

function missing(wanted: CollectionCensus, { events }: DefinitionInput, draft: DefinitionDraft): void {
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
  readonly draft: DefinitionDraft;
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

function added(entry: CatalogEntry, { events }: DefinitionInput, draft: DefinitionDraft): void {
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
