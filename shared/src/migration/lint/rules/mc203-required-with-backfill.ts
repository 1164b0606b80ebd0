import { updatesOf } from '../changes.ts';
import type { LintFile } from '../file.ts';
import type { FileRule } from '../rule.ts';
import type { DriverCall } from '../calls.ts';

export const requiredWithBackfill: FileRule = {
  code: 'MC203',
  severity: 'warning',
  summary: 'A validator demands a field, or closes its values, in the same file that fills it in.',
  advice:
    'Fill the field in one release and demand it in the next, when no old code writes documents without it; or use `validationAction: warn`.',
  bad: `export const up = async (db) => {
  await db.collection('users').updateMany({ country: { $exists: false } }, { $set: { country: 'YE' } });
  await db.command({ collMod: 'users', validator: { $jsonSchema: { required: ['country'] } } });
};
export const down = async (db) => {
  await db.command({ collMod: 'users', validator: {} });
};`,
  good: `export const up = async (db) => {
  await db.collection('users').updateMany({ country: { $exists: false } }, { $set: { country: 'YE' } });
  await db.command({ collMod: 'users', validator: { $jsonSchema: { required: ['country'] } }, validationAction: 'warn' });
};
export const down = async (db) => {
  await db.command({ collMod: 'users', validator: {}, validationAction: 'error' });
};`,
  check: (file) => {
    const filled = new Set(updatesOf(file, file.upCalls).map(({ call }) => call.collection));
    return file.upCalls
      .filter((call) => call.command === 'collMod' && filled.has(call.collection) && demands(file, call))
      .map(({ node, collection }) => ({ node, message: `From here on ${collection} refuses what the old code writes.` }));
  },
};

function demands({ values }: LintFile, { args }: DriverCall): boolean {
  const options = values.entries(args[0]);
  const keys = values.deepEntries(options?.get('validator')).map(([key]) => key);
  return (keys.includes('required') || keys.includes('enum')) && values.text(options?.get('validationAction')) !== 'warn';
}
