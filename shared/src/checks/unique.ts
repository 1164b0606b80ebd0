import { z } from 'zod';
import { countText, countUpTo, existing, type CheckResult, type CheckTarget } from './check.ts';

export const uniqueSettings = z.strictObject({
  collection: z.string().min(1),
  fields: z
    .array(z.string().min(1).regex(/^[^$]/, 'must not start with $'))
    .min(1)
    .describe('Fields that together must be different in every document.'),
});

type UniqueSettings = z.infer<typeof uniqueSettings>;

/** Counts the combinations of values that more than one document holds. A missing field counts as null, as in a unique index. */
export async function checkUnique({ collection: name, fields }: UniqueSettings, target: CheckTarget): Promise<CheckResult> {
  const about = {
    rule: 'verify/duplicate-value' as const,
    subject: `${name}.${fields.join(' + ')}`,
    expected: 'different in every document',
  };
  const found = existing(target, name, about);
  if ('missing' in found) return found.missing;
  const key = fields.map((path) => ({ $ifNull: [`$${path}`, null] }));
  const duplicates = [{ $group: { _id: key, documents: { $sum: 1 } } }, { $match: { documents: { $gt: 1 } } }];
  const count = await countUpTo(found.collection, duplicates, target.signal);
  const text = count === 0 ? 'all different' : `${countText(count)} values more than once`;
  return { ...about, found: text, status: count === 0 ? 'passed' : 'failed' };
}
