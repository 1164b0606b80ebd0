import { commandsOf, wholeText, type RecordedRule } from './rule.ts';

export const oneStatement: RecordedRule = {
  code: 'MP401',
  severity: 'warning',
  summary: 'One statement was seen to change a very large number of documents (100,000 or more).',
  advice: 'Go through the collection in ranges of `_id`, with a pause between the batches.',
  bad: `export const up = async (db) => {
  await db.collection('orders').updateMany({}, { $set: { currency: 'YER' } });
};`,
  good: `export const up = async (db) => {
  for (let from = 0; from < 3000; from += 500) {
    await db.collection('orders').updateMany({ _id: { $gte: from, $lt: from + 500 }, currency: null }, { $set: { currency: 'YER' } });
  }
};`,
  check: (observed) =>
    commandsOf(observed, 'update', 'delete')
      .map((statement) => ({ statement, each: (statement.modified + statement.deleted) / Math.max(statement.statements, 1) }))
      .filter(({ each, statement }) => statement.multi && each * observed.scale(statement.collection) >= observed.limits.statementDocuments)
      .map(({ statement, each }) => ({
        statement,
        message: `One ${statement.command} changes ${wholeText(observed, statement.collection, each)} documents of ${statement.collection}.`,
      })),
};
