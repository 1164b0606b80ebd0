import { commandsOf, type RecordedRule } from './rule.ts';

export const droppedIndexSeen: RecordedRule = {
  code: 'MC204',
  severity: 'warning',
  summary: '`up` was seen to drop an index that was there before and was not hidden.',
  advice: 'Hide it first (`collMod` with `hidden: true`), watch `$indexStats` for a release, and drop it then.',
  bad: `export const up = async (db) => {
  for (const name of ['shop_1']) await db.command({ dropIndexes: 'orders', index: name });
};`,
  good: `export const up = async (db) => {
  await db.command({ collMod: 'orders', index: { name: 'shop_1', hidden: true } });
};`,
  check: (observed) =>
    commandsOf(observed, 'dropIndexes').flatMap((statement) => {
      const effect = observed.effects.find(({ collection }) => collection === statement.collection);
      const kept = new Set(effect?.indexesAdded.map(nameOf));
      const gone = (effect?.indexesRemoved ?? [])
        .filter((index) => !kept.has(nameOf(index)) && !index.includes('"hidden":true'))
        .map(nameOf);
      if (gone.length === 0) return [];
      return [
        { statement, message: `Queries of ${statement.collection} that use ${gone.join(', ')} scan the whole collection from here on.` },
      ];
    }),
};

function nameOf(index: string): string {
  return String((JSON.parse(index) as { readonly name?: unknown }).name);
}
