import { commandsOf, type RecordedRule } from './rule.ts';

export const droppedDocuments: RecordedRule = {
  code: 'MD102',
  severity: 'error',
  summary: '`up` was seen to drop a collection that holds documents.',
  advice: 'Rename it aside, and drop it a release later.',
  bad: `export const up = async (db) => {
  const old = ['orders'];
  for (const name of old) await db.dropCollection(name);
};`,
  good: `export const up = async (db) => {
  await db.createCollection('import');
  await db.dropCollection('import');
};`,
  check: (observed) =>
    commandsOf(observed, 'drop').flatMap((statement) => {
      const documents = observed.before.get(statement.collection) ?? 0;
      return documents === 0 ? [] : [{ statement, message: `This drops ${statement.collection} with ${documents} documents.` }];
    }),
};
