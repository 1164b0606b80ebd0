import { writerOf, type RecordedRule } from './rule.ts';

export const lostValues: RecordedRule = {
  code: 'MD104',
  severity: 'error',
  summary: '`up` was seen to remove a field whose values are kept nowhere, and no `down` brought them back.',
  advice: 'Keep the values until the next release has run without them.',
  bad: `export const up = async (db) => {
  const field = ['to', 'tal'].join('');
  await db.collection('orders').updateMany({}, { $unset: { [field]: '' } });
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').updateMany({ amount: null }, [{ $set: { amount: '$total' } }, { $unset: 'total' }]);
};`,
  check: (observed) => {
    const { effects, takenBack } = observed;
    const wroteElsewhere = effects.some(({ contents }) => (contents?.added ?? 0) > 0);
    if (takenBack || wroteElsewhere) return [];
    return effects.flatMap(({ collection, contents }) =>
      [...(contents?.lost ?? [])].map(([path, documents]) => ({
        message: `${documents} documents of ${collection} lose the values of ${path}.`,
        ...writerOf(observed, collection, path),
      })),
    );
  },
};
