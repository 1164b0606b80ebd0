import { indexBuilds, isNew, type IndexBuild } from '../changes.ts';
import type { LintFile } from '../file.ts';
import type { FileRule } from '../rule.ts';
import { propertyName, type Node } from '../tree.ts';

export const indexLoad: FileRule = {
  code: 'MP405',
  severity: 'warning',
  summary: 'Several indexes are built at once, or one on a collection that the configuration calls big (`lint.big-collections`).',
  advice: 'Build one index after the other, in a quiet hour; on big collections member by member.',
  bad: `export const up = async (db) => {
  const orders = db.collection('orders');
  await Promise.all([orders.createIndex({ user: 1 }), orders.createIndex({ at: 1 })]);
};
export const down = async (db) => {
  await db.collection('orders').dropIndex('user_1');
  await db.collection('orders').dropIndex('at_1');
};`,
  good: `export const up = async (db) => {
  const orders = db.collection('orders');
  await orders.createIndex({ user: 1 });
  await orders.createIndex({ at: 1 });
};
export const down = async (db) => {
  await db.collection('orders').dropIndex('user_1');
  await db.collection('orders').dropIndex('at_1');
};`,
  check: (file) => {
    const builds = indexBuilds(file, file.upCalls).filter(({ collection }) => !isNew(file, collection));
    const together = Map.groupBy(builds, ({ call }) => promiseAll(file, call.node));
    const big = builds.filter(({ collection }) => file.settings.bigCollections.includes(collection ?? ''));
    return [
      ...[...together].flatMap(([all, inside]) =>
        all !== undefined && inside.length > 1 ? [{ node: all, message: `${inside.length} indexes are built at once.` }] : [],
      ),
      ...big.map(({ node, collection }: IndexBuild) => ({
        node,
        message: `Each member of the set builds this index over ${collection}, which is big.`,
      })),
    ];
  },
};

function promiseAll(file: LintFile, node: Node): Node | undefined {
  return [...file.ancestors(node)].find(
    (outer) => outer.type === 'CallExpression' && /^all(Settled)?$/.test(propertyName(outer.callee) ?? ''),
  );
}
