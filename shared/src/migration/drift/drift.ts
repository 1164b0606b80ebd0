import { parseExtendedJson } from '../../mongo/extended-json.ts';
import type { CollectionStructure } from './structure.ts';

/** One thing that is not as the last run left it. `left` and `found` are Extended JSON; an absent one is not there. */
export interface Drift {
  readonly collection: string;
  readonly what: 'collection' | 'options' | 'index';
  /** Name of the index. */
  readonly index?: string;
  readonly type: CollectionStructure['type'];
  readonly left?: string;
  readonly found?: string;
}

/** What somebody changed by hand since the last run, in the order of names. */
export function driftOf(left: readonly CollectionStructure[], found: readonly CollectionStructure[]): readonly Drift[] {
  const before = new Map(left.map((collection) => [collection.name, collection]));
  const now = new Map(found.map((collection) => [collection.name, collection]));
  const names = [...new Set([...before.keys(), ...now.keys()])].sort();
  return names.flatMap((name) => driftOfOne(before.get(name), now.get(name)));
}

function driftOfOne(left: CollectionStructure | undefined, found: CollectionStructure | undefined): readonly Drift[] {
  const known = found ?? left;
  if (known === undefined) return [];
  const about = { collection: known.name, type: known.type };
  if (left === undefined || found === undefined || left.type !== found.type)
    return [{ ...about, what: 'collection', ...optional('left', left?.options), ...optional('found', found?.options) }];
  const options: readonly Drift[] =
    left.options === found.options ? [] : [{ ...about, what: 'options', left: left.options, found: found.options }];
  return [...options, ...driftOfIndexes(about, left.indexes, found.indexes)];
}

function driftOfIndexes(about: Pick<Drift, 'collection' | 'type'>, left: readonly string[], found: readonly string[]): readonly Drift[] {
  const before = byName(left);
  const now = byName(found);
  return [...new Set([...before.keys(), ...now.keys()])].sort().flatMap((index): readonly Drift[] => {
    if (before.get(index) === now.get(index)) return [];
    return [{ ...about, what: 'index', index, ...optional('left', before.get(index)), ...optional('found', now.get(index)) }];
  });
}

function byName(indexes: readonly string[]): ReadonlyMap<string, string> {
  return new Map(indexes.map((index) => [String(parseExtendedJson(index).get('name')), index]));
}

function optional<Key extends 'left' | 'found'>(key: Key, value: string | undefined): { readonly [K in Key]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [K in Key]?: string };
}

/** One sentence for people. */
export function describeDrift({ collection, what, index, type, left, found }: Drift): string {
  const change = left === undefined ? 'was added' : found === undefined ? 'was dropped' : 'was changed';
  const subject = {
    collection: `The ${type} ${collection}`,
    options: `An option or the validator of ${collection}`,
    index: `The index ${index ?? ''} of ${collection}`,
  }[what];
  return `${subject} ${change} by nobody's migration since the last run.`;
}
