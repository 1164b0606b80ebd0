import type { Observed, RecordedMatch, RecordedRule } from './rule.ts';

export const commandOptions: RecordedRule = {
  code: 'MP409',
  severity: 'warning',
  summary:
    'Writes were seen that ask for less than a majority: a step-down can take them back. Or a command without `maxTimeMS` that takes a minute or more on the target.',
  advice: 'Leave the write concern as it is given; give long commands a `maxTimeMS`, or do them in batches.',
  bad: `export const up = async (db) => {
  await db.collection('orders').updateOne({ _id: 1 }, { $set: { seen: true } }, { writeConcern: { w: 1 } });
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').updateOne({ _id: 1 }, { $set: { seen: true } });
};`,
  check: (observed) => [...weakWrites(observed), ...endless(observed)],
};

function weakWrites({ step }: Observed): readonly RecordedMatch[] {
  return step.observation.statements
    .filter(({ weakWriteConcern }) => weakWriteConcern !== undefined)
    .map((statement) => ({
      statement,
      message: `${statement.command} ${statement.collection} is sent with ${statement.weakWriteConcern}.`,
    }));
}

function endless({ step, scale, limits }: Observed): readonly RecordedMatch[] {
  return step.observation.statements
    .map((statement) => ({ statement, onTarget: statement.longest * scale(statement.collection) }))
    .filter(({ statement, onTarget }) => statement.unlimited && onTarget >= limits.unlimitedMilliseconds)
    .map(({ statement, onTarget }) => ({
      statement,
      message: `One ${statement.command} of ${statement.collection} takes about ${Math.round(onTarget / 1_000)} s, and no maxTimeMS ends it.`,
    }));
}
