import { commandsOf, type RecordedRule } from './rule.ts';

export const deletedEverything: RecordedRule = {
  code: 'MD103',
  severity: 'error',
  summary: '`up` was seen to delete without a filter.',
  advice: 'Give a filter, count what it matches first, and delete in batches.',
  bad: `export const up = async (db) => {
  const filter = Object.fromEntries([]);
  await db.collection('orders').deleteMany(filter);
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').deleteMany({ _id: { $lt: 3 } });
};`,
  check: (observed) =>
    commandsOf(observed, 'delete')
      .filter(
        ({ filter, multi, deleted, collection }) => filter === '' && multi && deleted > 0 && (observed.before.get(collection) ?? 0) > 0,
      )
      .map((statement) => ({ statement, message: `This deletes every document of ${statement.collection}: ${statement.deleted}.` })),
};
