import { z } from 'zod';
import { countText, countUpTo, existing, type CheckResult, type CheckTarget } from './check.ts';

const field = z.string().min(1).regex(/^[^$]/, 'must not start with $');

export const referenceSettings = z.strictObject({
  collection: z.string().min(1),
  field,
  to: z.string().min(1).describe('The collection that is referred to.'),
  'to-field': field.default('_id'),
});

type ReferenceSettings = z.infer<typeof referenceSettings>;

/** Counts the values of a field that no document of the other collection has; documents without a value refer to nothing. */
export async function checkReference(settings: ReferenceSettings, target: CheckTarget): Promise<CheckResult> {
  const { collection: name, field: from, to, 'to-field': foreignField } = settings;
  const about = {
    rule: 'verify/orphaned-reference' as const,
    subject: `${name}.${from}`,
    expected: `every value in ${to}.${foreignField}`,
  };
  const found = existing(target, name, about);
  if ('missing' in found) return found.missing;
  const other = existing(target, to, about);
  if ('missing' in other) return other.missing;
  const orphans = [
    { $project: { _id: 0, value: `$${from}` } },
    { $unwind: '$value' },
    { $match: { value: { $ne: null } } },
    { $group: { _id: '$value' } },
    { $lookup: { from: to, localField: '_id', foreignField, pipeline: [{ $limit: 1 }, { $project: { _id: 1 } }], as: 'found' } },
    { $match: { found: { $size: 0 } } },
  ];
  const count = await countUpTo(found.collection, orphans, target.signal);
  const text = count === 0 ? 'every value' : `${countText(count)} values without a document in ${to}`;
  return { ...about, found: text, status: count === 0 ? 'passed' : 'failed' };
}
