import type { CatalogEntry } from '../../mongo/catalog.ts';
import type { CollectionCensus } from '../../mongo/census.ts';
import { parseExtendedJson } from '../../mongo/extended-json.ts';
import type { DefinitionDraft } from './definition-plan.ts';
import { text } from './plan-options.ts';

interface ComparingIndexes {
  readonly draft: DefinitionDraft;
  readonly othersOnly: (name: string) => boolean;
}

/** Returns the indexes that have to be there. */
export function compareIndexes(wanted: CollectionCensus, entry: CatalogEntry, { draft, othersOnly }: ComparingIndexes): readonly string[] {
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

function byName(indexes: readonly string[]): ReadonlyMap<string, string> {
  return new Map(indexes.map((index) => [String(parseExtendedJson(index).get('name')), index]));
}
