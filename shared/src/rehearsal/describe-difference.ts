import type { CensusDifference } from '../checks/compare-census.ts';
import type { ContentDifference, FieldCount } from './state/compare-contents.ts';
import type { StateComparison } from './state/compare-states.ts';

const shown = 5;

/** Every way in which two states differ that is not by nature, for people: structure first, then the documents by `_id`. Pure. */
export function describeComparison({ structure, contents }: StateComparison): string {
  const texts = [...structure.map(describeDifference), ...contents.flatMap(describeContents)];
  return `${texts.slice(0, shown).join('; ')}${texts.length > shown ? `; and ${texts.length - shown} more` : ''}`;
}

/** For people: `orders: 3 documents, were 4`. */
export function describeDifference({ collection, what, before, after }: CensusDifference): string {
  const described: Record<CensusDifference['what'], () => string> = {
    missing: () => `${collection} is gone (${before})`,
    added: () => `${collection} is new (${after})`,
    type: () => `${collection}: is a ${after}, was a ${before}`,
    documents: () => `${collection}: ${after} documents, were ${before}`,
    digest: () => `${collection}: other contents`,
    options: () => `${collection}: other options (${keysOf(before, after)})`,
    indexes: () => `${collection}: other indexes (${indexesOf(before, after)})`,
  };
  return described[what]();
}

/** What documents differ in, without what is so by nature; nothing when that is all. */
function describeContents(difference: ContentDifference): readonly string[] {
  const { collection, added, removed, changed, reordered, ids, fields } = difference;
  const counts = [
    ...(added > 0 ? [`${added} too many`] : []),
    ...(removed > 0 ? [`${removed} missing`] : []),
    ...(changed > 0 ? [`${changed} changed`] : []),
    ...(reordered > 0 ? [`${reordered} with another order only`] : []),
  ];
  if (counts.length === 0) return [];
  const paths = fields.length === 0 ? '' : `: ${fields.slice(0, shown).map(describeField).join(', ')}`;
  const named = ids.length === 0 ? '' : `, for example _id ${ids.join(', ')}`;
  return [`${collection}: documents ${counts.join(', ')}${paths}${named}`];
}

/** `total int → decimal in 90`. */
export function describeField({ path, change, types, documents }: FieldCount): string {
  const words: Record<FieldCount['change'], string> = {
    added: `added (${types})`,
    removed: `removed (${types})`,
    retyped: types,
    changed: 'another value',
    'array-order': 'another order of the elements',
    'field-order': 'another order of the fields',
  };
  return `${path === '' ? 'the document' : path} ${words[change]} in ${documents}`;
}

/** What differs by nature: `orders: updatedAt (time of the run) in 90 documents`. */
export function describeNatures({ contents }: StateComparison): readonly string[] {
  return contents.flatMap(({ collection, natures }) =>
    natures.map(({ path, nature, documents }) => `${collection}: ${path} (${nature}) in ${documents} documents`),
  );
}

function indexesOf(before: string, after: string): string {
  const names = (text: string): string => [...text.matchAll(/"name":"((?:[^"\\]|\\.)*)"/g)].map(([, name]) => name).join(', ');
  const gone = names(before);
  const more = names(after);
  if (gone === more) return `${gone} is defined in another way`;
  return [...(gone === '' ? [] : [`missing ${gone}`]), ...(more === '' ? [] : [`new ${more}`])].join(', ');
}

function keysOf(before: string, after: string): string {
  const read = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;
  const [old, now] = [read(before), read(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .filter((key) => JSON.stringify(old[key]) !== JSON.stringify(now[key]))
    .join(', ');
}
