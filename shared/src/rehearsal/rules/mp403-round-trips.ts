import { commandsOf, type RecordedRule } from './rule.ts';

export const roundTrips: RecordedRule = {
  code: 'MP403',
  severity: 'warning',
  summary: 'A loop was seen to send one command for each document (1,000 or more).',
  advice: 'Collect the changes in `bulkWrite`, some hundred at a time, or let one pipeline update compute them.',
  bad: `export const up = async (db) => {
  const orders = db.collection('orders');
  for await (const { _id } of orders.find({}, { projection: { _id: 1 } }).limit(300)) await orders.updateOne({ _id }, { $set: { seen: true } });
};`,
  good: `export const up = async (db) => {
  const all = await db.collection('orders').find({}, { projection: { _id: 1 } }).limit(300).toArray();
  await db.collection('orders').bulkWrite(all.map(({ _id }) => ({ updateOne: { filter: { _id }, update: { $set: { seen: true } } } })));
};`,
  check: (observed) =>
    commandsOf(observed, 'update', 'delete', 'insert', 'findAndModify')
      .filter(
        ({ commands, statements, multi, collection }) =>
          !multi && commands === statements && commands * observed.scale(collection) >= observed.limits.roundTrips,
      )
      .map((statement) => ({
        statement,
        message: `${statement.commands} times ${statement.command} ${statement.collection} with one document each: ${(statement.milliseconds / 1_000).toFixed(1)} s here, more over a network.`,
      })),
};
