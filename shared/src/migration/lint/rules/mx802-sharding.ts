import type { FileRule } from '../rule.ts';

export const sharding: FileRule = {
  code: 'MX802',
  severity: 'warning',
  summary: 'A migration changes how a collection is sharded.',
  advice: 'Do it by a runbook: it takes long, loads the cluster and is not taken back by `down`.',
  bad: `export const up = async (db, client) => {
  await client.db().admin().command({ shardCollection: 'shop.orders', key: { tenant: 1 } });
};
export const down = async (db) => {
  await db.collection('orders').dropIndex('tenant_1');
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').createIndex({ tenant: 1 });
};
export const down = async (db) => {
  await db.collection('orders').dropIndex('tenant_1');
};`,
  check: ({ calls }) =>
    calls
      .filter(({ command }) => /^(shardCollection|refineCollectionShardKey|reshardCollection|unshardCollection)$/.test(command ?? ''))
      .map(({ node, command }) => ({ node, message: `${command} belongs in a runbook.` })),
};
