import { z } from 'zod';
import { countText, countUpTo, existing, type CheckResult, type CheckTarget } from './check.ts';

/** Aliases of BSON types as `$type` knows them. Source: MongoDB manual, $type. */
const bsonType = z.enum(
  ['double', 'string', 'object', 'array', 'binData', 'objectId', 'bool', 'date', 'null', 'regex', 'javascript', 'int', 'timestamp'].concat([
    'long',
    'decimal',
    'number',
    'minKey',
    'maxKey',
  ]),
);

export const requiredFieldSettings = z.strictObject({
  collection: z.string().min(1),
  field: z.string().min(1).regex(/^[^$]/, 'must not start with $').describe('Dotted path; in an array every element must have it.'),
  type: z
    .union([bsonType, z.array(bsonType).min(1)])
    .exactOptional()
    .describe('One BSON type or several, by the aliases of $type; without it any value but null will do.'),
});

type RequiredFieldSettings = z.infer<typeof requiredFieldSettings>;

/** Counts the documents that lack a field, or hold a value of another type in it (of an array the types of its elements count too). */
export async function checkRequiredField(settings: RequiredFieldSettings, target: CheckTarget): Promise<CheckResult> {
  const { collection: name, field, type } = settings;
  const expected = type === undefined ? 'present and not null in every document' : `${[type].flat().join(' or ')} in every document`;
  const about = { rule: 'verify/required-field' as const, subject: `${name}.${field}`, expected };
  const found = existing(target, name, about);
  if ('missing' in found) return found.missing;
  const violation = type === undefined ? { [field]: null } : { $nor: [{ [field]: { $type: [type].flat() } }] };
  const count = await countUpTo(found.collection, [{ $match: violation }], target.signal);
  const text = count === 0 ? 'in every document' : `${countText(count)} documents without`;
  return { ...about, found: text, status: count === 0 ? 'passed' : 'failed' };
}
