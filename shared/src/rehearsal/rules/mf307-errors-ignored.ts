import type { Statement } from '../../migration/observation.ts';
import type { RecordedRule } from './rule.ts';

export const errorsIgnored: RecordedRule = {
  code: 'MF307',
  severity: 'error',
  summary: 'The server refused writes, and `up` ended as if all was well; or (a note) an update or delete matched no document at all.',
  advice: 'Look at what each write answers, and let an error end the migration; otherwise it is recorded as applied.',
  bad: `export const up = async (db) => {
  try {
    await db.collection('orders').insertMany([{ _id: 0 }, { _id: 9000 }], { ordered: false });
  } catch {
    console.log('some were there already');
  }
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').updateOne({ _id: 9000 }, { $setOnInsert: { total: 0 } }, { upsert: true });
};`,
  check: ({ step, effects }) => {
    const { statements } = step.observation;
    const refused = statements
      .filter(({ errors, command }) => errors > 0 && /^(insert|update|delete|findAndModify|bulkWrite)$/.test(command))
      .map((statement) => ({
        statement,
        message: `${statement.errors} of these writes (${statement.command} ${statement.collection}) were refused, and up went on.`,
      }));
    // A file that changed nothing at all is told as such.
    const idle = effects.length === 0 ? [] : statements.filter(matchesNothing);
    const unmatched = idle.map((statement) => ({
      statement,
      severity: 'note' as const,
      message: `This ${statement.command} of ${statement.collection} matches no document on the copy${statement.filter === '' ? '' : ` (by ${statement.filter})`}.`,
    }));
    return [...refused, ...unmatched];
  },
};

function matchesNothing({ command, errors, matched, inserted, deleted, upsert }: Statement): boolean {
  return (command === 'update' || command === 'delete') && !upsert && errors === 0 && matched + inserted + deleted === 0;
}
