import { readsInUp, unsetFields, updatesOf, type Update } from '../changes.ts';
import type { LintFile } from '../file.ts';
import type { FileRule, Match } from '../rule.ts';

export const lostField: FileRule = {
  code: 'MD104',
  severity: 'error',
  summary: '`up` removes a field whose value is kept nowhere.',
  advice: 'Remove fields in a contract release of its own, after a backup; or keep the values in another field or collection first.',
  bad: `export const up = async (db) => {
  await db.collection('users').updateMany({ fax: { $exists: true } }, { $unset: { fax: '' } });
};
export const down = async (db) => {
  await db.collection('users').updateMany({ fax: { $exists: false } }, { $set: { fax: null } });
};`,
  good: `export const up = async (db) => {
  await db.collection('users').updateMany({ phone: { $exists: false } }, [{ $set: { phone: '$fax' } }]);
};
export const down = async (db) => {
  await db.collection('users').updateMany({}, { $unset: { phone: '' } });
};`,
  check: (file) => updatesOf(file, file.upCalls).flatMap((update) => [...unset(file, update), ...reshaped(file, update)]),
};

/** A field that `up` reads is copied, not lost. */
function unset(file: LintFile, update: Update): Match[] {
  const lost = unsetFields(file, update).filter((field) => !readsInUp(file, field));
  if (lost.length === 0) return [];
  return [{ node: update.node, message: `This removes ${lost.join(', ')} of ${update.call.collection}; the values are kept nowhere.` }];
}

function reshaped(file: LintFile, { operators, pipeline, call, node }: Update): Match[] {
  if (!pipeline) return [];
  const losing = operators.find(
    ([stage, value]) =>
      stage === '$project' || ((stage === '$replaceRoot' || stage === '$replaceWith') && !file.values.strings(value).includes('$$ROOT')),
  );
  if (losing === undefined) return [];
  return [{ node, message: `${losing[0]} keeps only the fields of ${call.collection} that it names.` }];
}
