import type { DriverCall } from '../calls.ts';
import type { LintFile } from '../file.ts';
import type { FileRule, Match } from '../rule.ts';

export const replacedCollection: FileRule = {
  code: 'MD105',
  severity: 'error',
  summary: '`$out`, or `$merge` with `whenMatched: replace`, writes over a collection that this file shows to be in use.',
  advice: 'Write to a new collection, compare, and then rename.',
  bad: `export const up = async (db) => {
  await db.collection('orders').aggregate([{ $match: { paid: true } }, { $out: 'orders' }]).toArray();
};
export const down = async (db) => {
  await db.collection('orders').updateMany({}, { $set: { paid: false } });
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').aggregate([{ $match: { paid: true } }, { $out: 'orders_paid' }]).toArray();
};
export const down = async (db) => {
  await db.collection('orders_paid').drop();
};`,
  check: (file) => file.upCalls.filter(({ method }) => method === 'aggregate').flatMap((call) => replaced(file, call)),
};

function replaced(file: LintFile, call: DriverCall): Match[] {
  const { values } = file;
  return values.deepEntries(call.args[0]).flatMap(([key, value]): Match[] => {
    if (key === '$out') {
      const target = values.text(value) ?? values.text(values.entries(value)?.get('coll'));
      if (target === undefined || !inUse(file, target, call)) return [];
      return [{ node: value, message: `$out replaces the whole collection ${target}.` }];
    }
    if (key !== '$merge' || values.text(values.entries(value)?.get('whenMatched')) !== 'replace') return [];
    const target = values.text(values.entries(value)?.get('into'));
    if (target !== undefined && madeBefore(file, target)) return [];
    return [{ node: value, message: `$merge replaces the documents of ${target ?? 'its target'} that match.` }];
  });
}

function madeBefore(file: LintFile, target: string): boolean {
  return file.upCalls.some(({ method, collection }) => method === 'createCollection' && collection === target);
}

/** The target is the source itself, or was read or written before; not when `up` makes it. */
function inUse(file: LintFile, target: string, call: DriverCall): boolean {
  if (madeBefore(file, target)) return false;
  if (call.collection === target) return true;
  const before = file.upCalls.slice(0, file.upCalls.indexOf(call));
  return before.some((earlier) => earlier.kind === 'collection' && earlier.collection === target);
}
