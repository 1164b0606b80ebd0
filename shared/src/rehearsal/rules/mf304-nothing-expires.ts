import type { RecordedRule } from './rule.ts';

export const nothingExpires: RecordedRule = {
  code: 'MF304',
  severity: 'error',
  summary: 'An index lets documents expire by a field that is a date in none of them: nothing will ever expire.',
  advice: 'Name the field that holds a date (not a number or text), or fill it in first.',
  bad: `export const up = async (db) => {
  await db.collection('orders').createIndex({ total: 1 }, { expireAfterSeconds: 3600 });
};`,
  good: `export const up = async (db) => {
  await db.createCollection('sessions');
  await db.collection('sessions').createIndex({ at: 1 }, { expireAfterSeconds: 3600 });
};`,
  check: ({ undated }) =>
    undated.map(({ statement, field }) => ({ statement, message: `No document of ${statement.collection} has a date in ${field}.` })),
};
