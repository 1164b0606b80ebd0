import type { CollationOptions, Db, Document } from 'mongodb';
import type { CatalogEntry } from '../../mongo/catalog.ts';
import { readSizes } from '../../mongo/collection-sizes.ts';
import { parseExtendedJson, type OrderedDocument } from '../../mongo/extended-json.ts';
import { conflictOf, optionsConflict, sameKeys } from './conflicts.ts';
import { mostCounted, type DataPrecheck, type PrecheckAnswer } from './precheck.ts';

export interface DataQuestion<Kind extends DataPrecheck['kind'] = DataPrecheck['kind']> {
  readonly db: Db;
  readonly check: Extract<DataPrecheck, { readonly kind: Kind }>;
  /** What stands at the name now. */
  readonly entry: CatalogEntry;
  readonly now: Date;
  /** Milliseconds. */
  readonly timeout: number;
}

type Answered = Omit<PrecheckAnswer, 'check'>;

/** How each kind of question is asked. */
const askers: { readonly [Kind in DataPrecheck['kind']]: (question: DataQuestion<Kind>) => Promise<Answered> | Answered } = {
  async unique({ db, check, entry, timeout }) {
    const asked = parseExtendedJson(check.index);
    const index = asked.has('key') ? asked : indexNamed(entry, asked.get('name'));
    if (index === undefined) return { found: 0, message: `${about(check)}: the index is not there.` };
    const collation = index.get('collation');
    const options = { allowDiskUse: true, maxTimeMS: timeout, ...(collation instanceof Map ? { collation: collationOf(collation) } : {}) };
    const [counted] = await db.collection(check.collection).aggregate<Duplicates>(duplicates(index), options).toArray();
    const { groups, documents } = counted ?? { groups: 0, documents: 0 };
    return { found: groups, message: `${about(check)}: ${documents} documents share ${groups} values.` };
  },
  'index-conflict': ({ check, entry }) => conflictAnswer(check, conflictOf(entry, parseExtendedJson(check.index))),
  'options-conflict': ({ check, entry }) => conflictAnswer(check, optionsConflict(entry, parseExtendedJson(check.options))),
  async validator({ db, check, timeout }) {
    const unfit = { $nor: [parseExtendedJson(check.validator)] } as Document;
    const found = await db.collection(check.collection).countDocuments(unfit, { limit: mostCounted, maxTimeMS: timeout });
    return { found, message: `${about(check)}: ${atLeast(found)} documents do not fit and could not be changed any more.` };
  },
  async expiry({ db, check, entry, now, timeout }) {
    const field = expiryField(entry, check);
    if (field === undefined) return { found: 0, message: `${about(check)}: nothing expires there.` };
    const expired = { [field]: { $type: 'date', $lt: new Date(now.getTime() - check.seconds * 1_000) } };
    const found = await db.collection(check.collection).countDocuments(expired, { limit: mostCounted, maxTimeMS: timeout });
    return { found, message: `${about(check)}: ${atLeast(found)} documents would be deleted within a minute.` };
  },
  async 'index-build'({ db, check }) {
    const building = (await readSizes(db, [check.collection])).get(check.collection)?.building ?? [];
    const what = building.length === 0 ? 'no index is being built' : `being built now: ${building.join(', ')}. Wait until that is done`;
    return { found: building.length, message: `${about(check)}: ${what}.` };
  },
  async 'index-use'({ db, check, entry, timeout }) {
    const gone = dropped(entry, parseExtendedJson(check.index));
    const stats = await db
      .collection(check.collection)
      .aggregate<IndexStats>([{ $indexStats: {} }], { maxTimeMS: timeout })
      .toArray();
    const used = stats.filter(({ name, accesses }) => gone.has(name) && accesses.ops > 0);
    const uses = used.map(
      ({ name, accesses: { ops, since } }) => `${name} ${ops === 1 ? 'once' : `${ops} times`} since ${since.toISOString()}`,
    );
    const what = uses.length === 0 ? 'no query of this member uses it' : `queries of this member used ${uses.join(', ')}`;
    return { found: used.reduce((sum, { accesses }) => sum + accesses.ops, 0), message: `${about(check)}: ${what}.` };
  },
};

/** Source: mongodb.com/docs/manual/reference/operator/aggregation/indexStats. */
interface IndexStats {
  readonly name: string;
  readonly accesses: { readonly ops: number; readonly since: Date };
}

/** Names of the indexes that `dropIndexes` takes away. A hidden one serves no query any more, whatever it did before. */
function dropped({ indexes }: CatalogEntry, wanted: OrderedDocument): ReadonlySet<unknown> {
  const named = wanted.get('name');
  const visible = indexes.map(parseExtendedJson).filter((index) => index.get('hidden') !== true && index.get('name') !== '_id_');
  const gone = visible.filter((index) => (named === undefined ? sameKeys(index, wanted) : named === '*' || index.get('name') === named));
  return new Set(gone.map((index) => index.get('name')));
}

/** Asks one collection. Throws what the server says. */
export async function askData<Kind extends DataPrecheck['kind']>(question: DataQuestion<Kind>): Promise<Answered> {
  const kind: Kind = question.check.kind;
  return askers[kind](question);
}

function indexNamed({ indexes }: CatalogEntry, name: unknown): OrderedDocument | undefined {
  return indexes.map(parseExtendedJson).find((index) => index.get('name') === name);
}

/** The field whose time decides, where the question does not say it. */
function expiryField(entry: CatalogEntry, { field, named }: DataQuestion<'expiry'>['check']): string | undefined {
  if (field !== undefined) return field;
  const options = parseExtendedJson(entry.options);
  const holder = named === undefined ? options.get('timeseries') : indexNamed(entry, named)?.get('key');
  if (!(holder instanceof Map)) return undefined;
  const [first] = holder.keys();
  return named === undefined ? String(holder.get('timeField')) : first === undefined ? undefined : String(first);
}

function conflictAnswer(check: DataPrecheck, conflict: string | undefined): Answered {
  return { found: conflict === undefined ? 0 : 1, message: `${about(check)}: ${conflict ?? 'nothing stands against it'}.` };
}

function atLeast(found: number): string {
  return found < mostCounted ? String(found) : `${mostCounted} or more`;
}

const names: Readonly<Record<DataPrecheck['kind'], string>> = {
  unique: 'Unique index on',
  'index-conflict': 'Index on',
  'options-conflict': 'Creation of',
  validator: 'Validator of',
  expiry: 'Expiry of',
  'index-build': 'Structure of',
  'index-use': 'Dropped index of',
};

/** For people: what is asked. */
export function about(check: DataPrecheck): string {
  const by = check.kind === 'expiry' ? (check.field ?? check.named) : undefined;
  const detail = 'index' in check ? ` (${keysOf(check.index)})` : by === undefined ? '' : ` by ${by}`;
  return `${names[check.kind]} ${check.collection}${detail}`;
}

function keysOf(text: string): string {
  const index = parseExtendedJson(text);
  const keys = index.get('key');
  return keys instanceof Map ? [...keys.keys()].join(', ') : String(index.get('name'));
}

/**
 * Values that more than one document has. A document whose array holds a value twice is one document; a missing field is null, as in the
 * index. Source: mongodb.com/docs/manual/core/index-unique.
 */
function duplicates(index: OrderedDocument): Document[] {
  const paths = index.get('key') instanceof Map ? [...(index.get('key') as OrderedDocument).keys()] : [];
  const partial = index.get('partialFilterExpression');
  const sparse = index.get('sparse') === true ? [{ $match: { $or: paths.map((path) => ({ [path]: { $exists: true } })) } }] : [];
  const fields = paths.map((_path, position) => `k${position}`);
  const key = Object.fromEntries(fields.map((field) => [field, `$${field}`]));
  return [
    ...(partial instanceof Map ? [{ $match: partial as unknown as Document }] : []),
    ...sparse,
    { $project: Object.fromEntries(paths.map((path, position) => [`k${position}`, { $ifNull: [`$${path}`, null] }])) },
    ...fields.map((field) => ({ $unwind: { path: `$${field}`, preserveNullAndEmptyArrays: true } })),
    { $group: { _id: { document: '$_id', ...key } } },
    { $group: { _id: Object.fromEntries(fields.map((field) => [field, `$_id.${field}`])), documents: { $sum: 1 } } },
    { $match: { documents: { $gt: 1 } } },
    { $group: { _id: null, groups: { $sum: 1 }, documents: { $sum: '$documents' } } },
  ];
}

interface Duplicates {
  readonly groups: number;
  readonly documents: number;
}

/** The values of a collation are plain. */
function collationOf(collation: OrderedDocument): CollationOptions {
  return Object.fromEntries(collation) as unknown as CollationOptions;
}
