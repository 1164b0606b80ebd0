import type { FileRule } from '../rule.ts';

export const droppedTarget: FileRule = {
  code: 'MD106',
  severity: 'error',
  summary: 'A collection is renamed onto another one, or turned into a capped one.',
  advice: 'Rename the old collection aside first, and keep it for a release.',
  bad: `export const up = async (db) => {
  await db.collection('orders_new').rename('orders', { dropTarget: true });
};
export const down = async (db) => {
  await db.collection('orders').rename('orders_new');
};`,
  good: `export const up = async (db) => {
  await db.createCollection('orders_new');
  await db.collection('orders_new').insertOne({ _id: 'first' });
};
export const down = async (db) => {
  await db.collection('orders_new').drop();
};`,
  check: ({ upCalls, values }) =>
    upCalls.flatMap(({ node, method, args, command, collection, kind }) => {
      if (command === 'convertToCapped' || command === 'cloneCollectionAsCapped')
        return [{ node, message: `${command} keeps only what fits of ${collection}.` }];
      const renames = (kind === 'collection' && method === 'rename') || method === 'renameCollection' || command === 'renameCollection';
      const drops = args.some(
        (arg) => values.entries(arg)?.get('dropTarget')?.type === 'BooleanLiteral' && isTrue(values.entries(arg)?.get('dropTarget')),
      );
      return renames && drops ? [{ node, message: `The rename of ${collection} drops the collection that has its new name.` }] : [];
    }),
};

function isTrue(node: unknown): boolean {
  return (node as { value?: unknown }).value === true;
}
