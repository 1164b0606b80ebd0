import { updatesOf } from '../changes.ts';
import type { FileRule } from '../rule.ts';

const conversions = /^\$(convert|to(Bool|Date|Decimal|Double|Int|Long|ObjectId|String|UUID))$/;

export const typeChange: FileRule = {
  code: 'MC202',
  severity: 'warning',
  summary: '`up` changes the BSON type of a field in place.',
  advice: 'Write the converted value to a new field, so that old and new code both find the type that they expect.',
  bad: `export const up = async (db) => {
  await db.collection('orders').updateMany({ total: { $type: 'string' } }, [{ $set: { total: { $toDecimal: '$total' } } }]);
};
export const down = async (db) => {
  await db.collection('orders').updateMany({ total: { $type: 'decimal' } }, [{ $set: { total: { $toString: '$total' } } }]);
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').updateMany({ amount: { $exists: false } }, [{ $set: { amount: { $toDecimal: '$total' } } }]);
};
export const down = async (db) => {
  await db.collection('orders').updateMany({}, { $unset: { amount: '' } });
};`,
  check: (file) =>
    updatesOf(file, file.upCalls).flatMap(({ operators, call }) =>
      operators
        .filter(([stage]) => stage === '$set' || stage === '$addFields')
        .flatMap(([, fields]) => [...(file.values.entries(fields) ?? [])])
        .filter(([field, value]) =>
          [...(file.values.entries(value) ?? [])].some(
            ([operator, input]) => conversions.test(operator) && file.values.strings(input).includes(`$${field}`),
          ),
        )
        .map(([field, node]) => ({ node, message: `The type of ${field} in ${call.collection} changes under the code that reads it.` })),
    ),
};
