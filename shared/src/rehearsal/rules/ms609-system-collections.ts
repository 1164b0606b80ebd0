import { commandsOf, type RecordedRule } from './rule.ts';

export const systemCollections: RecordedRule = {
  code: 'MS609',
  severity: 'warning',
  summary: 'A migration writes to a collection of the server (`system.*`), or changes users or roles.',
  advice: 'Do that outside of migrations, with an account for it.',
  bad: `export const up = async (db) => {
  await db.collection('system.js').insertOne({ _id: 'twice', value: 'function (n) { return 2 * n; }' });
};`,
  good: `export const up = async (db) => {
  await db.collection('functions').insertOne({ _id: 'twice', value: 2 });
};`,
  check: (observed) =>
    commandsOf(observed, 'insert', 'update', 'delete', 'findAndModify')
      .filter(({ collection }) => collection.startsWith('system.'))
      .map((statement) => ({ statement, message: `${statement.command} ${statement.collection} changes a collection of the server.` })),
};
