import { isNew } from '../changes.ts';
import { structural } from '../methods.ts';
import type { FileRule } from '../rule.ts';
import { inTransaction } from '../transactions.ts';

export const structureInTransaction: FileRule = {
  code: 'MT501',
  severity: 'error',
  summary: 'A change of structure (index, collection, validator) of an existing collection inside a transaction.',
  advice: 'Do it before or after the transaction: the server refuses it, or it waits for the locks of the transaction.',
  bad: `export const up = async (db, client) => {
  await client.withSession((session) =>
    session.withTransaction(async () => {
      await db.collection('orders').createIndex({ user: 1 }, { session });
    }),
  );
};
export const down = async (db) => {
  await db.collection('orders').dropIndex('user_1');
};`,
  good: `export const up = async (db, client) => {
  await db.collection('orders').createIndex({ user: 1 });
  await client.withSession((session) =>
    session.withTransaction(async () => {
      await db.collection('orders').updateOne({ _id: 1 }, { $set: { user: 2 } }, { session });
    }),
  );
};
export const down = async (db) => {
  await db.collection('orders').dropIndex('user_1');
};`,
  check: (file) =>
    file.calls
      .filter(
        ({ kind, method, command }) => (/^(collection|database)$/.test(kind) && structural.has(method)) || structural.has(command ?? ''),
      )
      .filter((call) => inTransaction(file, call) && !isNew(file, call.collection))
      .map(({ node, method, command, collection }) => ({
        node,
        message: `${command ?? method}${collection === undefined ? '' : ` of ${collection}`} is not possible in a transaction.`,
      })),
};
