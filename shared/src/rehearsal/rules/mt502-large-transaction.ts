import type { Stepped } from '../stepping.ts';
import type { RecordedRule } from './rule.ts';

/** The oplog does not tell which of several transactions wrote how much: the mean. */
function largeEntries({ changes, observation }: Stepped): number {
  return (changes?.oplogBytes.get('transactions') ?? 0) / Math.max(observation.transactions.length, 1);
}

export const largeTransaction: RecordedRule = {
  code: 'MT502',
  severity: 'warning',
  summary:
    'A transaction was seen to change more than 1,000 documents, to be open for 30 s or more, or to write 16 MiB or more to the oplog.',
  advice: 'Work in batches that may run again: the server ends a transaction after 60 s, and keeps all of it in its cache.',
  bad: `export const up = async (db, client) => {
  await client.withSession((session) =>
    session.withTransaction(async () => {
      await db.collection('orders').updateMany({ _id: { $lt: 400 } }, { $set: { seen: true } }, { session });
    }),
  );
};`,
  good: `export const up = async (db, client) => {
  await client.withSession((session) =>
    session.withTransaction(async () => {
      await db.collection('orders').updateMany({ _id: { $lt: 10 } }, { $set: { seen: true } }, { session });
    }),
  );
};`,
  check: ({ step, limits }) =>
    step.observation.transactions
      .filter(
        ({ documents, milliseconds }) =>
          documents > limits.transactionDocuments ||
          milliseconds >= limits.transactionMilliseconds ||
          largeEntries(step) >= limits.transactionBytes,
      )
      .map(({ documents, milliseconds, place }) => ({
        ...(place?.line === undefined ? {} : { line: place.line }),
        message: `A transaction changes ${documents} documents in ${(milliseconds / 1_000).toFixed(1)} s.`,
      })),
};
