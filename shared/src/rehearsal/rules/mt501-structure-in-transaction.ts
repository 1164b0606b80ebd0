import { commandsOf, type RecordedRule } from './rule.ts';

export const structureSeenInTransaction: RecordedRule = {
  code: 'MT501',
  severity: 'error',
  summary: 'A change of structure was seen inside a transaction.',
  advice: 'Do it before the transaction begins: there it holds locks that block everybody, and many servers refuse it.',
  bad: `export const up = async (db, client) => {
  const names = ['import'];
  await client.withSession((session) =>
    session.withTransaction(async () => {
      for (const name of names) await db.createCollection(name, { session });
    }),
  );
};`,
  good: `export const up = async (db, client) => {
  await db.createCollection('import');
  await client.withSession((session) =>
    session.withTransaction(async () => {
      await db.collection('import').insertOne({ _id: 1 }, { session });
    }),
  );
};`,
  check: (observed) =>
    commandsOf(observed, 'create', 'createIndexes', 'collMod', 'drop', 'dropIndexes', 'renameCollection')
      .filter(({ inTransaction }) => inTransaction > 0)
      .map((statement) => ({ statement, message: `${statement.command} ${statement.collection} runs inside a transaction.` })),
};
