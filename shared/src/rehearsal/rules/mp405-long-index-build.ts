import { commandsOf, wholeText, type RecordedRule } from './rule.ts';

export const longIndexBuild: RecordedRule = {
  code: 'MP405',
  severity: 'warning',
  summary: 'An index was seen to be built on a very large collection (1,000,000 documents or more).',
  advice: 'Build it at a quiet hour, one at a time, and watch the members of the replica set.',
  bad: `export const up = async (db) => {
  await db.collection('orders').createIndex({ total: 1 });
};`,
  good: `export const up = async (db) => {
  await db.createCollection('coupons');
  await db.collection('coupons').createIndex({ code: 1 });
};`,
  check: (observed) =>
    commandsOf(observed, 'createIndexes')
      .filter(({ collection }) => (observed.before.get(collection) ?? 0) * observed.scale(collection) >= observed.limits.indexedDocuments)
      .map((statement) => ({
        statement,
        message: `This builds an index on ${statement.collection} with ${wholeText(observed, statement.collection, observed.before.get(statement.collection) ?? 0)} documents: ${(statement.milliseconds / 1_000).toFixed(1)} s on the copy.`,
      })),
};
