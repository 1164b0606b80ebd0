import type { RecordedRule } from './rule.ts';

export const weakWrites: RecordedRule = {
  code: 'MP409',
  severity: 'warning',
  summary: 'Writes were seen that ask for less than a majority: a step-down can take them back.',
  advice: 'Leave the write concern as it is given.',
  bad: `export const up = async (db) => {
  await db.collection('orders').updateOne({ _id: 1 }, { $set: { seen: true } }, { writeConcern: { w: 1 } });
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').updateOne({ _id: 1 }, { $set: { seen: true } });
};`,
  check: ({ step }) =>
    step.observation.statements
      .filter(({ weakWriteConcern }) => weakWriteConcern !== undefined)
      .map((statement) => ({
        statement,
        message: `${statement.command} ${statement.collection} is sent with ${statement.weakWriteConcern}.`,
      })),
};
