import type { FileRule } from '../rule.ts';

export const noBatches: FileRule = {
  code: 'MP401',
  severity: 'warning',
  summary: 'One statement changes a collection that the configuration calls big (`lint.big-collections`).',
  advice: 'Go through the collection in ranges of `_id`, with a pause between the batches.',
  settings: { bigCollections: ['events'] },
  bad: `export const up = async (db) => {
  await db.collection('events').updateMany({ kind: null }, { $set: { kind: 'view' } });
};
export const down = async (db) => {
  await db.collection('events').updateOne({ _id: 1 }, { $set: { kind: null } });
};`,
  good: `export const up = async (db) => {
  const events = db.collection('events');
  let from = await events.findOne({ kind: null }, { sort: { _id: 1 } });
  while (from) {
    const [last] = await events.find({ _id: { $gte: from._id } }).sort({ _id: 1 }).skip(999).limit(1).toArray();
    await events.updateMany({ _id: { $gte: from._id, ...(last && { $lt: last._id }) }, kind: null }, { $set: { kind: 'view' } });
    from = last;
  }
};
export const down = async (db) => {
  await db.collection('events').updateOne({ _id: 1 }, { $set: { kind: null } });
};`,
  check: ({ upCalls, values, settings }) =>
    upCalls
      .filter(({ method }) => method === 'updateMany' || method === 'deleteMany')
      .filter(({ collection, args }) => settings.bigCollections.includes(collection ?? '') && values.entries(args[0])?.has('_id') !== true)
      .map(({ node, method, collection }) => ({
        node,
        message: `This ${method} goes through ${collection}, which is big, in one statement.`,
      })),
};
