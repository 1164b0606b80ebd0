import { fieldsOf, updatesOf, type Update } from '../changes.ts';
import type { LintFile } from '../file.ts';
import type { FileRule } from '../rule.ts';

const accumulating = new Set(['$inc', '$mul', '$push', '$bit']);

export const notExcluded: FileRule = {
  code: 'MP404',
  severity: 'warning',
  summary: 'An update that adds to what is there does not exclude the documents that it has changed already.',
  advice: 'Set a mark in the same update and filter by it, so that a second run after an interruption changes nothing twice.',
  bad: `export const up = async (db) => {
  await db.collection('wallets').updateMany({}, { $mul: { balance: 100 } });
};
export const down = async (db) => {
  await db.collection('wallets').updateMany({}, { $mul: { balance: 0.01 } });
};`,
  good: `export const up = async (db) => {
  await db.collection('wallets').updateMany({ unit: { $ne: 'cent' } }, { $mul: { balance: 100 }, $set: { unit: 'cent' } });
};
export const down = async (db) => {
  await db.collection('wallets').updateMany({ unit: 'cent' }, { $mul: { balance: 0.01 }, $unset: { unit: '' } });
};`,
  check: (file) =>
    updatesOf(file, file.upCalls)
      .filter((update) => update.many && update.operators.some(([operator]) => accumulating.has(operator)) && !excludes(file, update))
      .map(({ node, call }) => ({ node, message: `A second run changes the documents of ${call.collection} once more.` })),
};

/** The filter asks for a field that the update changes. What is not written out is believed. */
function excludes(file: LintFile, update: Update): boolean {
  if (update.filter !== undefined && file.values.exactEntries(update.filter) === undefined) return true;
  const asked = file.values.deepEntries(update.filter).map(([key]) => key);
  return fieldsOf(file, update).some(([field]) => asked.includes(field));
}
