import { reads, unsetFields, updatesOf } from '../changes.ts';
import type { FileRule } from '../rule.ts';

export const expandAndContract: FileRule = {
  code: 'MC206',
  severity: 'note',
  summary: 'One file both copies a field to a new place and removes the old one.',
  advice: 'Split it: copy in this release, remove in the next, so that the code in between finds both.',
  bad: `export const up = async (db) => {
  const users = db.collection('users');
  await users.updateMany({ phone: { $exists: false } }, [{ $set: { phone: '$tel' } }]);
  await users.updateMany({ tel: { $exists: true } }, { $unset: { tel: '' } });
};
export const down = async (db) => {
  await db.collection('users').updateMany({}, { $rename: { phone: 'tel' } });
};`,
  good: `export const up = async (db) => {
  const users = db.collection('users');
  await users.updateMany({ phone: { $exists: false } }, [{ $set: { phone: '$tel' } }]);
};
export const down = async (db) => {
  await db.collection('users').updateMany({}, { $unset: { phone: '' } });
};`,
  check: (file) => {
    const updates = updatesOf(file, file.upCalls);
    return updates.flatMap((update) => {
      const copied = unsetFields(file, update).filter((field) =>
        updates.some((other) => other !== update && other.operators.some(([, value]) => reads(file, value, field))),
      );
      if (copied.length === 0) return [];
      return [{ node: update.node, message: `${copied.join(', ')} of ${update.call.collection} is copied and removed by the same file.` }];
    });
  },
};
