import { z } from 'zod';
import { fromMongoError } from '../errors/mongo-errors.ts';
import { parseExtendedJson } from '../mongo/extended-json.ts';
import { existing, type CheckResult, type CheckTarget } from './check.ts';

const count = z.int().min(0);

export const queryCountSettings = z
  .strictObject({
    name: z.string().min(1),
    collection: z.string().min(1),
    filter: z.record(z.string(), z.json()).default({}).describe('A MongoDB filter; dates, object ids and the like as Extended JSON.'),
    exactly: count.exactOptional(),
    'at-least': count.exactOptional(),
    'at-most': count.exactOptional(),
  })
  .refine((settings) => limitsOf(settings).length > 0, 'needs exactly, at-least or at-most');

type QueryCountSettings = z.infer<typeof queryCountSettings>;
interface Limits {
  readonly exactly?: number;
  readonly 'at-least'?: number;
  readonly 'at-most'?: number;
}

/** Whether the number of documents that match a filter is within its limits. */
export async function checkQueryCount(settings: QueryCountSettings, target: CheckTarget): Promise<CheckResult> {
  const limits = limitsOf(settings);
  const expected = limits.map(({ words, limit }) => `${words} ${limit}`).join(' and ');
  const about = { rule: 'verify/query-count' as const, subject: `${settings.collection}: ${settings.name}`, expected };
  const found = existing(target, settings.collection, about);
  if ('missing' in found) return found.missing;
  try {
    const filter = parseExtendedJson(JSON.stringify(settings.filter));
    const number = await found.collection.countDocuments(filter, { readPreference: 'primary' });
    return { ...about, found: String(number), status: limits.every(({ holds }) => holds(number)) ? 'passed' : 'failed' };
  } catch (error) {
    throw fromMongoError(error, `Checking ${settings.collection}: ${settings.name}`);
  }
}

function limitsOf(
  settings: Limits,
): readonly { readonly words: string; readonly limit: number; readonly holds: (count: number) => boolean }[] {
  const { exactly, 'at-least': least, 'at-most': most } = settings;
  return [
    ...(exactly === undefined ? [] : [{ words: 'exactly', limit: exactly, holds: (found: number) => found === exactly }]),
    ...(least === undefined ? [] : [{ words: 'at least', limit: least, holds: (found: number) => found >= least }]),
    ...(most === undefined ? [] : [{ words: 'at most', limit: most, holds: (found: number) => found <= most }]),
  ];
}
