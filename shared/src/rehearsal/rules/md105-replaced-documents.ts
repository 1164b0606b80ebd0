import { commandsOf, type RecordedRule } from './rule.ts';

export const replacedDocuments: RecordedRule = {
  code: 'MD105',
  severity: 'error',
  summary: '`$out`, or `$merge` with `whenMatched: replace`, was seen to write over a collection that holds documents.',
  advice: 'Write to a new collection, and rename it when it is right.',
  bad: `export const up = async (db) => {
  const target = ['or', 'ders'].join('');
  await db.collection('orders').aggregate([{ $match: { _id: { $gte: 0 } } }, { $out: target }]).toArray();
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').aggregate([{ $match: { _id: { $gte: 0 } } }, { $out: 'orders_by_id' }]).toArray();
};`,
  check: (observed) =>
    commandsOf(observed, 'aggregate').flatMap((statement) => {
      const target = replacedBy(statement.definition);
      const documents = target === undefined ? 0 : (observed.before.get(target) ?? 0);
      return documents === 0 ? [] : [{ statement, message: `This writes over ${target}, which held ${documents} documents.` }];
    }),
};

interface WritingStage {
  readonly $out?: string | { readonly coll: string };
  readonly $merge?: { readonly into?: string | { readonly coll: string }; readonly whenMatched?: string };
}

function replacedBy(definition: string | undefined): string | undefined {
  const { $out: out, $merge: merge } = JSON.parse(definition ?? '{}') as WritingStage;
  const target = out ?? (merge?.whenMatched === 'replace' ? merge.into : undefined);
  return typeof target === 'object' ? target.coll : target;
}
