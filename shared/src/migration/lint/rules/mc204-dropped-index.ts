import { indexBuilds, isNew } from '../changes.ts';
import type { FileRule } from '../rule.ts';

export const droppedIndex: FileRule = {
  code: 'MC204',
  severity: 'warning',
  summary: '`up` drops an index at once.',
  advice: 'Hide it first (`collMod` with `hidden: true`), watch `$indexStats` for a release, and drop it then.',
  bad: `export const up = async (db) => {
  await db.collection('orders').dropIndex('user_1');
};
export const down = async (db) => {
  await db.collection('orders').createIndex({ user: 1 }, { name: 'user_1' });
};`,
  good: `export const up = async (db) => {
  await db.command({ collMod: 'orders', index: { name: 'user_1', hidden: true } });
};
export const down = async (db) => {
  await db.command({ collMod: 'orders', index: { name: 'user_1', hidden: false } });
};`,
  check: (file) => {
    const built = new Set(indexBuilds(file, file.upCalls).flatMap(({ options }) => file.values.text(options.get('name')) ?? []));
    return file.upCalls
      .filter(({ kind, method, command }) => (kind === 'collection' && /^dropIndex(es)?$/.test(method)) || command === 'dropIndexes')
      .filter(({ args, collection }) => !isNew(file, collection) && !built.has(file.values.text(args[0]) ?? ''))
      .map(({ node, collection }) => ({
        node,
        message: `Queries of ${collection} that use this index scan the whole collection from here on.`,
      }));
  },
};
