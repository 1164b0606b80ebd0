import type { RecordedRule } from './rule.ts';

export const scans: RecordedRule = {
  code: 'MP402',
  severity: 'error',
  summary: 'The same command was seen to read a whole collection again and again (10 times or more, 100,000 documents or more).',
  advice: 'Build an index for its filter first, or go through the collection in ranges of `_id`.',
  bad: `export const up = async (db) => {
  for (let n = 0; n < 40; n++) await db.collection('orders').updateOne({ email: 'user' + (2999 - n) }, { $set: { seen: true } });
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').createIndex({ email: 1 });
  for (let n = 0; n < 40; n++) await db.collection('orders').updateOne({ email: 'user' + (2999 - n) }, { $set: { seen: true } });
};`,
  check: ({ step, limits, scale }) =>
    (step.plans ?? [])
      .filter(
        ({ plan, executions, documentsExamined, collection }) =>
          plan.startsWith('COLLSCAN') && executions >= 10 && documentsExamined * scale(collection) >= limits.scannedDocuments,
      )
      .map(({ kind, collection, filter, executions, documentsExamined }) => {
        const statement = step.observation.statements.find(
          (sent) => sent.collection === collection && sent.filter.split(' | ').includes(filter),
        );
        const message = `${executions} times a ${kind} reads all of ${collection}${filter === '' ? '' : ` by ${filter}`}: ${documentsExamined} documents.`;
        return statement === undefined ? { message } : { message, statement };
      }),
};
