import { writerOf, type RecordedRule } from './rule.ts';

/** Numbers that drivers and queries take for each other, and values that mean nothing. */
const harmless = /^(int|long|double) → (int|long|double)$|^(null|undefined) → | → (null|undefined)$/;

export const otherType: RecordedRule = {
  code: 'MC202',
  severity: 'warning',
  summary: '`up` was seen to change the BSON type of a field in place.',
  advice: 'Write the new type to a new field: the old code still reads this one.',
  bad: `export const up = async (db) => {
  const orders = db.collection('orders');
  for (const { _id, total } of await orders.find().limit(10).toArray()) await orders.updateOne({ _id }, { $set: { total: String(total) } });
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').updateMany({ totalText: null, _id: { $lt: 10 } }, [{ $set: { totalText: { $toString: '$total' } } }]);
};`,
  check: (observed) =>
    observed.effects.flatMap(({ collection, contents }) =>
      (contents?.fields ?? [])
        .filter(({ change, types }) => change === 'retyped' && !harmless.test(types))
        .map(({ path, types, documents }) => ({
          message: `${collection}: ${path} changes its type (${types}) in ${documents} documents.`,
          ...writerOf(observed, collection, path),
        })),
    ),
};
