import type { Statement } from '../../migration/observation.ts';
import { commandsOf, type RecordedRule } from './rule.ts';

const accumulating = /^\$(inc|mul|push|bit) /;

export const notExcludedSeen: RecordedRule = {
  code: 'MP404',
  severity: 'warning',
  summary: 'An update that adds to what is there was seen not to exclude the documents that it has changed already.',
  advice: 'Set a mark in the same update and filter by it, so that a second run after an interruption changes nothing twice.',
  bad: `export const up = async (db) => {
  const change = Object.fromEntries([['$inc', { total: 1 }]]);
  await db.collection('orders').updateMany({ _id: { $lt: 10 } }, change);
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').updateMany({ _id: { $lt: 10 }, unit: null }, { $inc: { total: 1 }, $set: { unit: 'cent' } });
};`,
  check: (observed) =>
    commandsOf(observed, 'update')
      .filter((statement) => statement.multi && statement.modified > 0 && adds(statement) && !excludes(statement))
      .map((statement) => ({ statement, message: `A second run changes the documents of ${statement.collection} once more.` })),
};

function adds({ change }: Statement): boolean {
  return change.some((one) => accumulating.test(one));
}

/** The filter asks for a field that the update changes. */
function excludes({ filter, change }: Statement): boolean {
  const changed = change.map((one) => one.split(' ')[1] ?? '');
  return changed.some((field) => field !== '' && filter.split(/[ (|)]+/).some((asked) => asked === field || asked.startsWith(`${field}.`)));
}
