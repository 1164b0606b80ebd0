import type { CatalogEntry } from '../../mongo/catalog.ts';
import { parseExtendedJson, toExtendedJson, toRaw, type OrderedDocument } from '../../mongo/extended-json.ts';

/** Options of an index that make it another index; the rest (`v`, `ns`, `background`) does not matter. */
const telling = [
  'unique',
  'sparse',
  'partialFilterExpression',
  'collation',
  'expireAfterSeconds',
  'weights',
  'wildcardProjection',
  'clustered',
];

/** Why the server would refuse the index, or `undefined`. Source: mongodb.com/docs/manual/reference/command/createIndexes. */
export function conflictOf({ indexes }: Pick<CatalogEntry, 'indexes'>, wanted: OrderedDocument): string | undefined {
  for (const existing of indexes.map(parseExtendedJson)) {
    const sameName = existing.get('name') === wanted.get('name');
    const sameKey = sameKeys(existing, wanted);
    const collated = textOf(existing.get('collation')) === textOf(wanted.get('collation'));
    const different = telling.filter((option) => !sameOption(option, existing, wanted));
    const name = String(existing.get('name'));
    if (sameName && !sameKey) return `an index ${name} with other keys exists`;
    if (sameKey && collated && different.length > 0) return `the index ${name} exists with another ${different.join(', ')}`;
    if (sameKey && collated && !sameName) return `the same index exists under the name ${name}`;
  }
  return undefined;
}

/** Whether two indexes have the same keys in the same order. */
export function sameKeys(a: OrderedDocument, b: OrderedDocument): boolean {
  return textOf(a.get('key')) === textOf(b.get('key'));
}

/** A collation is listed with all of its defaults: only the locale tells. */
function sameOption(option: string, a: OrderedDocument, b: OrderedDocument): boolean {
  const value = (index: OrderedDocument): unknown => {
    const found = index.get(option);
    return option === 'collation' && found instanceof Map ? found.get('locale') : found === false ? undefined : found;
  };
  return textOf(value(a)) === textOf(value(b));
}

/** Why the server would refuse to create a collection over this one, or `undefined`: with the same options it is no error. */
export function optionsConflict(entry: Pick<CatalogEntry, 'options' | 'type'>, wanted: OrderedDocument): string | undefined {
  const existing = parseExtendedJson(entry.options);
  const different = [...new Set([...existing.keys(), ...wanted.keys()])].filter(
    (option) => !fits(existing.get(option), wanted.get(option), filledUp.has(option)),
  );
  if (different.length === 0) return undefined;
  return `a ${entry.type} of that name exists with another ${different.join(', ')}`;
}

/** Options that the server lists with defaults which nobody gave. */
const filledUp = new Set(['collation', 'timeseries', 'clusteredIndex']);

function fits(existing: unknown, wanted: unknown, inPart: boolean): boolean {
  if (!inPart || !(existing instanceof Map) || !(wanted instanceof Map)) return textOf(existing) === textOf(wanted);
  return [...wanted].every(([key, value]) => textOf(existing.get(key)) === textOf(value));
}

/** Numbers of different types are the same number. */
function textOf(value: unknown): string {
  if (value === undefined) return '';
  return toExtendedJson(toRaw(new Map([['value', value]]))).replaceAll(/\{"\$number(?:Int|Long|Double)":"(-?\d+)(?:\.0)?"\}/g, '$1');
}
