import { isNew, matchesAll } from '../changes.ts';
import type { FileRule } from '../rule.ts';

export const deleteEverything: FileRule = {
  code: 'MD103',
  severity: 'error',
  summary: '`up` deletes without a filter.',
  advice: 'Give a filter, count what it matches first, and delete in batches.',
  bad: `export const up = async (db) => {
  await db.collection('sessions').deleteMany({});
};
export const down = async (db) => {
  await db.collection('sessions').insertOne({ _id: 'first' });
};`,
  good: `export const up = async (db) => {
  await db.collection('sessions').deleteMany({ expiredAt: { $lt: new Date('2024-01-01') } });
};
export const down = async (db) => {
  await db.collection('sessions').insertOne({ _id: 'first' });
};`,
  check: (file) =>
    file.upCalls.flatMap((call) => {
      const { kind, method, args, node, collection } = call;
      if (kind !== 'collection' || isNew(file, collection)) return [];
      const message = `This deletes every document of ${collection}.`;
      if (/^(deleteMany|remove)$/.test(method)) return matchesAll(file, args[0]) ? [{ node, message }] : [];
      if (method !== 'bulkWrite') return [];
      return file.values
        .deepEntries(args[0])
        .filter(([key, value]) => key === 'deleteMany' && matchesAll(file, file.values.entries(value)?.get('filter')))
        .map(([, value]) => ({ node: value, message }));
    }),
};
