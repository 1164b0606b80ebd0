import type { FileRule } from '../rule.ts';

export const dropDatabase: FileRule = {
  code: 'MD101',
  severity: 'error',
  summary: 'A migration drops a database.',
  advice: 'Never drop a database in a migration, neither in up nor in down: do it by hand, with a backup that was restored once.',
  bad: `export const up = async (db) => {
  await db.dropDatabase();
};
export const down = async (db) => {
  await db.createCollection('orders');
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').updateMany({ status: null }, { $set: { status: 'open' } });
};
export const down = async (db) => {
  await db.collection('orders').updateMany({ status: 'open' }, { $set: { status: null } });
};`,
  check: ({ calls }) =>
    calls
      .filter(({ method, command }) => method === 'dropDatabase' || command === 'dropDatabase')
      .map(({ node }) => ({ node, message: 'This drops the whole database.' })),
};
