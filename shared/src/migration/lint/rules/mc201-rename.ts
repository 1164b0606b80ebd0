import { createdHere, reads, unsetFields, updatesOf, type Update } from '../changes.ts';
import type { LintFile } from '../file.ts';
import type { FileRule, Match } from '../rule.ts';

export const rename: FileRule = {
  code: 'MC201',
  severity: 'warning',
  summary: '`up` renames a field or a collection while the old code still runs.',
  advice: 'Add the new name beside the old one, let the code write both, and remove the old one a release later.',
  bad: `export const up = async (db) => {
  await db.collection('orders').updateMany({ total: { $exists: true } }, { $rename: { total: 'amount' } });
};
export const down = async (db) => {
  await db.collection('orders').updateMany({ amount: { $exists: true } }, { $rename: { amount: 'total' } });
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').updateMany({ amount: { $exists: false } }, [{ $set: { amount: '$total' } }]);
};
export const down = async (db) => {
  await db.collection('orders').updateMany({}, { $unset: { amount: '' } });
};`,
  check: (file) => [...updatesOf(file, file.upCalls).flatMap((update) => renamedFields(file, update)), ...renamedCollections(file)],
};

function renamedFields(file: LintFile, update: Update): Match[] {
  const { operators, call, node } = update;
  const fields = [
    ...operators
      .filter(([operator]) => operator === '$rename')
      .flatMap(([, value]) => [...(file.values.entries(value)?.keys() ?? ['a field'])]),
    ...unsetFields(file, update).filter((field) => operators.some(([, value]) => reads(file, value, field))),
  ];
  if (fields.length === 0) return [];
  return [{ node, message: `Code that still reads ${fields.join(', ')} of ${call.collection} finds nothing from here on.` }];
}

/** With `dropTarget` it is rather a loss, see MD106. */
function renamedCollections(file: LintFile): Match[] {
  const own = createdHere(file);
  return file.upCalls
    .filter(
      ({ kind, method, command }) =>
        (kind === 'collection' && method === 'rename') || method === 'renameCollection' || command === 'renameCollection',
    )
    .filter(({ args, collection }) => !own.has(collection ?? '') && !args.some((arg) => file.values.entries(arg)?.has('dropTarget')))
    .map(({ node, collection }) => ({ node, message: `Code that still uses the collection ${collection} finds nothing from here on.` }));
}
