import type { CollectionEffects } from '../effects.ts';
import type { RecordedRule } from './rule.ts';

export const changedShare: RecordedRule = {
  code: 'MD107',
  severity: 'warning',
  summary: 'One file was seen to change or remove more of a collection than `rehearsal: max-changed-percent` allows (default: any part).',
  advice: 'If it is meant, say so: `// migration-guard-disable-next-line MD107 -- why`, above the command.',
  bad: `export const up = async (db) => {
  await db.collection('orders').updateMany({ _id: { $lt: 900 } }, { $set: { seen: true } });
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').updateMany({ _id: { $lt: 500 } }, { $set: { seen: true } });
};`,
  check: ({ effects, step, limits }) =>
    effects.flatMap((effect) => {
      const { collection, before } = effect;
      const documents = changedIn(effect);
      const percent = (documents / Math.max(before?.documents ?? 0, 1)) * 100;
      if (before === undefined || percent <= limits.changedPercent) return [];
      const statement = step.observation.statements.find((sent) => sent.collection === collection && sent.modified + sent.deleted > 0);
      const message = `${documents} of ${before.documents} documents of ${collection} are changed or removed (${percent.toFixed(0)} %, allowed are ${limits.changedPercent} %).`;
      return [{ message, ...(statement === undefined ? {} : { statement }) }];
    }),
};

function changedIn({ before, after, contents }: CollectionEffects): number {
  if (after === undefined) return before?.documents ?? 0;
  return contents === undefined ? 0 : contents.changed + contents.reordered + contents.removed;
}
