import { optionsPosition } from '../methods.ts';
import type { FileRule } from '../rule.ts';
import { inTransaction, passesSession } from '../transactions.ts';

export const sessionNotPassed: FileRule = {
  code: 'MT503',
  severity: 'error',
  summary: 'An operation between the start and the end of a transaction does not get its session: it looks transactional and is not.',
  advice: 'Pass `{ session }` in the options of each operation.',
  bad: `export const up = async (db, client) => {
  await client.withSession((session) =>
    session.withTransaction(async () => {
      await db.collection('orders').updateOne({ _id: 1 }, { $set: { paid: true } });
    }),
  );
};
export const down = async (db) => {
  await db.collection('orders').updateOne({ _id: 1 }, { $set: { paid: false } });
};`,
  good: `export const up = async (db, client) => {
  await client.withSession((session) =>
    session.withTransaction(async () => {
      await db.collection('orders').updateOne({ _id: 1 }, { $set: { paid: true } }, { session });
    }),
  );
};
export const down = async (db) => {
  await db.collection('orders').updateOne({ _id: 1 }, { $set: { paid: false } });
};`,
  check: (file) =>
    file.calls
      .filter(({ kind, method }) => kind === 'collection' && method in optionsPosition)
      .filter((call) => inTransaction(file, call) && !passesSession(file, call, optionsPosition[call.method] ?? 0))
      .map(({ node, method, collection }) => ({ node, message: `${method} on ${collection} is not part of the transaction around it.` })),
};
