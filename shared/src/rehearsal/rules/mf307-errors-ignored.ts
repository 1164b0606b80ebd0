import type { RecordedRule } from './rule.ts';

export const errorsIgnored: RecordedRule = {
  code: 'MF307',
  severity: 'error',
  summary: 'The server refused writes, and `up` went on and ended as if all was well.',
  advice: 'Let the error end the migration; otherwise it is recorded as applied.',
  bad: `export const up = async (db) => {
  try {
    await db.collection('orders').insertMany([{ _id: 0 }, { _id: 9000 }], { ordered: false });
  } catch {
    console.log('some were there already');
  }
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').updateOne({ _id: 9000 }, { $setOnInsert: { total: 0 } }, { upsert: true });
};`,
  check: ({ step }) =>
    step.observation.statements
      .filter(({ errors, command }) => errors > 0 && /^(insert|update|delete|findAndModify|bulkWrite)$/.test(command))
      .map((statement) => ({
        statement,
        message: `${statement.errors} of these writes (${statement.command} ${statement.collection}) were refused, and up went on.`,
      })),
};
