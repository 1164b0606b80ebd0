import type { Statement } from '../../migration/observation.ts';
import { commandsOf, type RecordedRule } from './rule.ts';

export const demandingValidator: RecordedRule = {
  code: 'MC203',
  severity: 'warning',
  summary: 'A validator was seen to demand fields, or to close their values, in the same release that fills them in.',
  advice: 'Demand them in the next release, when no old code writes documents without them; or begin with `validationAction: warn`.',
  bad: `export const up = async (db) => {
  const orders = ['or', 'ders'].join('');
  await db.collection(orders).updateMany({ _id: { $lt: 10 }, currency: null }, { $set: { currency: 'YER' } });
  await db.command({ collMod: orders, validator: { $jsonSchema: { required: ['total'] } } });
};`,
  good: `export const up = async (db) => {
  await db.command({ collMod: 'orders', validator: { $jsonSchema: { required: ['total'] } } });
};`,
  check: (observed) => {
    const filled = [...observed.earlier, ...observed.step.observation.statements].filter(({ modified }) => modified > 0);
    return commandsOf(observed, 'collMod')
      .filter((statement) => demands(statement) && filled.some(({ collection }) => collection === statement.collection))
      .map((statement) => ({
        statement,
        message: `From here on ${statement.collection}, which this release fills in, refuses what the old code writes.`,
      }));
  },
};

function demands({ definition }: Statement): boolean {
  const { validator, validationAction } = JSON.parse(definition ?? '{}') as {
    readonly validator?: unknown;
    readonly validationAction?: unknown;
  };
  return validationAction !== 'warn' && keysOf(validator).some((key) => key === 'required' || key === 'enum');
}

function keysOf(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...keysOf(inner)]);
}
