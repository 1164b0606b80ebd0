import { commandsOf, type RecordedRule } from './rule.ts';

export const renamed: RecordedRule = {
  code: 'MC201',
  severity: 'warning',
  summary: '`up` was seen to rename a field, or a collection that holds documents, while the old code still runs.',
  advice: 'Write to both names in one release, and drop the old one in the next.',
  bad: `export const up = async (db) => {
  const names = Object.fromEntries([['total', 'amount']]);
  await db.collection('orders').updateMany({ _id: { $lt: 10 } }, { $rename: names });
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').updateMany({ _id: { $lt: 10 }, amount: null }, [{ $set: { amount: '$total' } }]);
};`,
  check: (observed) => {
    const fields = commandsOf(observed, 'update', 'findAndModify')
      .filter(({ modified, change }) => modified > 0 && change.some((one) => one.startsWith('$rename ')))
      .map((statement) => {
        const names = statement.change.filter((one) => one.startsWith('$rename ')).map((one) => one.slice('$rename '.length));
        return { statement, message: `Code that still reads the old name in ${statement.collection} finds nothing: ${names.join(', ')}.` };
      });
    const collections = commandsOf(observed, 'renameCollection')
      .filter(({ collection }) => (observed.before.get(collection) ?? 0) > 0)
      .map((statement) => ({ statement, message: `Code that still uses the collection ${statement.collection} finds nothing.` }));
    return [...fields, ...collections];
  },
};
