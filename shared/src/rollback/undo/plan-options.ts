import type { CollectionCensus } from '../../mongo/census.ts';
import { parseExtendedJson } from '../../mongo/extended-json.ts';
import type { DefinitionDraft } from './definition-plan.ts';

/** Options that can be changed by `collMod`, with the value that stands for none. */
const modifiable: Readonly<Record<string, unknown>> = {
  validator: new Map(),
  validationLevel: 'strict',
  validationAction: 'error',
  expireAfterSeconds: 'off',
  changeStreamPreAndPostImages: new Map([['enabled', false]]),
};

/** What turns the options that a collection has now into those of the point. */
export function modifyOptions(wanted: CollectionCensus, now: ReadonlyMap<string, unknown>, draft: DefinitionDraft): void {
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

/** The options without what the server says of itself after `collMod`, and without what we switched on. */
export function comparable(options: string, switchedOn: boolean): ReadonlyMap<string, unknown> {
  const map = new Map(parseExtendedJson(withoutPreImages(options, switchedOn)));
  if (map.get('validationLevel') === 'strict') map.delete('validationLevel');
  if (map.get('validationAction') === 'error') map.delete('validationAction');
  return map;
}

/** Canonical Extended JSON of the options without `changeStreamPreAndPostImages`, where it is ours. */
export function withoutPreImages(options: string, switchedOn: boolean): string {
  return switchedOn ? options.replace(/,?"changeStreamPreAndPostImages":\{"enabled":true\}/, '').replace('{,', '{') : options;
}

export function sameMap(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.has(name) && text(value) === text(b.get(name)));
}

/** Maps as lists of pairs, so that their order counts. */
export function text(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) => (inner instanceof Map ? [...inner] : inner)) ?? '';
}
