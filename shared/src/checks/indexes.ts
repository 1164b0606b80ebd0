import { z } from 'zod';
import type { CollectionCensus } from '../mongo/census.ts';
import { parseExtendedJson, type OrderedDocument } from '../mongo/extended-json.ts';
import type { CheckResult, CheckTarget } from './check.ts';

export const indexSettings = z
  .strictObject({
    collection: z.string().min(1),
    name: z.string().min(1).exactOptional(),
    keys: z
      .record(z.string(), z.union([z.number(), z.string()]))
      .exactOptional()
      .describe('Fields in their order, as in createIndex: 1, -1, text, 2dsphere, hashed …'),
    unique: z.boolean().exactOptional(),
  })
  .refine(({ name, keys }) => name !== undefined || keys !== undefined, 'needs a name or keys');

type IndexSettings = z.infer<typeof indexSettings>;

interface Index {
  readonly name: string;
  readonly keys: readonly string[];
  readonly unique: boolean;
}

/** Whether an index of that name, with those keys in that order and that uniqueness, is there. */
export function checkIndex(settings: IndexSettings, { census }: Pick<CheckTarget, 'census'>): CheckResult {
  const collection = census.collections.find(({ name }) => name === settings.collection);
  const wantedKeys = settings.keys === undefined ? undefined : Object.entries(settings.keys).map(([field, kind]) => `${field}: ${kind}`);
  const about = {
    rule: 'verify/index-missing' as const,
    subject: `${settings.collection}.${settings.name ?? wantedKeys?.join(', ')}`,
    expected: describe(settings.name, wantedKeys, settings.unique),
  };
  if (collection === undefined) return { ...about, found: `there is no collection ${settings.collection}`, status: 'failed' };
  const indexes = indexesOf(collection);
  const sameKeys = (index: Index): boolean => wantedKeys === undefined || index.keys.join() === wantedKeys.join();
  const candidate =
    indexes.find(({ name }) => name === settings.name) ?? (settings.name === undefined ? indexes.find(sameKeys) : undefined);
  if (candidate === undefined) return { ...about, found: 'no such index', status: 'failed' };
  const holds = sameKeys(candidate) && (settings.unique === undefined || settings.unique === candidate.unique);
  return { ...about, found: describe(candidate.name, candidate.keys, candidate.unique), status: holds ? 'passed' : 'failed' };
}

function describe(name: string | undefined, keys: readonly string[] | undefined, unique: boolean | undefined): string {
  const parts = [name, keys === undefined ? undefined : `(${keys.join(', ')})`];
  const kind = unique === undefined ? undefined : unique ? 'unique' : 'not unique';
  return [...parts, kind].filter((part) => part !== undefined).join(' ');
}

function indexesOf({ indexes }: CollectionCensus): readonly Index[] {
  return indexes.map((text) => {
    const index = parseExtendedJson(text);
    return { name: String(index.get('name')), keys: keysOf(index), unique: index.get('unique') === true || isIdIndex(index) };
  });
}

function isIdIndex(index: OrderedDocument): boolean {
  return index.get('name') === '_id_';
}

/** `field: kind`, in order. The server keeps the fields of a text index as weights. */
function keysOf(index: OrderedDocument): readonly string[] {
  const weights = index.get('weights');
  const textFields = weights instanceof Map ? [...weights.keys()].map((field) => `${field}: text`) : [];
  return [...(index.get('key') as OrderedDocument)].flatMap(([field, kind]) => {
    if (field === '_fts') return textFields;
    return field === '_ftsx' ? [] : [`${field}: ${String(kind)}`];
  });
}
