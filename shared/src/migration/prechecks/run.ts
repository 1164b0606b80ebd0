import type { CollationOptions, Db, Document } from 'mongodb';
import { fromMongoError, serverCode } from '../../errors/mongo-errors.ts';
import { readCatalog, type CatalogEntry } from '../../mongo/catalog.ts';
import { parseExtendedJson, type OrderedDocument } from '../../mongo/extended-json.ts';
import { conflictOf, optionsConflict } from './conflicts.ts';
import { mostCounted, type Precheck, type PrecheckAnswer } from './precheck.ts';

export interface PrecheckOptions {
  readonly db: Db;
  readonly checks: readonly Precheck[];
  readonly now: Date;
  readonly signal: AbortSignal;
  /** Time for one question, milliseconds; afterwards its answer is not known. */
  readonly timeout: number;
}

const outOfTime = 50;

/** Asks the database every question. It only reads. Throws `server/*`, `target/privilege-missing`, and the reason of the signal. */
export async function runPrechecks({ db, checks, now, signal, timeout }: PrecheckOptions): Promise<readonly PrecheckAnswer[]> {
  if (checks.length === 0) return [];
  const catalog = new Map((await readCatalog(db.client, db.databaseName, { signal })).map((entry) => [entry.name, entry]));
  const answers: PrecheckAnswer[] = [];
  for (const check of checks) {
    signal.throwIfAborted();
    const entry = catalog.get(check.collection);
    answers.push(await answer({ db, check, entry, now, timeout }));
  }
  return answers;
}

interface Question {
  readonly db: Db;
  readonly check: Precheck;
  /** What stands at the name now, if anything does. */
  readonly entry: CatalogEntry | undefined;
  readonly now: Date;
  readonly timeout: number;
}

async function answer(question: Question): Promise<PrecheckAnswer> {
  const { check, entry } = question;
  if (entry === undefined) return { check, found: 0, message: `${check.collection} is not there yet.` };
  try {
    return { check, ...(await ask({ ...question, check, entry })) };
  } catch (error) {
    if (serverCode(error) === outOfTime)
      return { check, found: undefined, message: `${about(check)}: not known, counting took longer than ${question.timeout / 1_000} s.` };
    throw fromMongoError(error, `Checking ${check.collection}`);
  }
}

type Asked<Kind extends Precheck['kind']> = Question & {
  readonly check: Extract<Precheck, { readonly kind: Kind }>;
  readonly entry: CatalogEntry;
};
type Answered = Omit<PrecheckAnswer, 'check'>;

/** How each kind of question is asked. */
const askers: { readonly [Kind in Precheck['kind']]: (asked: Asked<Kind>) => Promise<Answered> | Answered } = {
  async unique({ db, check, timeout }) {
    const index = parseExtendedJson(check.index);
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
  async expiry({ db, check, now, timeout }) {
    const expired = { [check.field]: { $type: 'date', $lt: new Date(now.getTime() - check.seconds * 1_000) } };
    const found = await db.collection(check.collection).countDocuments(expired, { limit: mostCounted, maxTimeMS: timeout });
    return { found, message: `${about(check)}: ${atLeast(found)} documents would be deleted within a minute.` };
  },
};

async function ask<Kind extends Precheck['kind']>(asked: Asked<Kind>): Promise<Answered> {
  const kind: Kind = asked.check.kind;
  return askers[kind](asked);
}

function conflictAnswer(check: Precheck, conflict: string | undefined): Answered {
  return { found: conflict === undefined ? 0 : 1, message: `${about(check)}: ${conflict ?? 'nothing stands against it'}.` };
}

function atLeast(found: number): string {
  return found < mostCounted ? String(found) : `${mostCounted} or more`;
}

const names: Readonly<Record<Precheck['kind'], string>> = {
  unique: 'Unique index on',
  'index-conflict': 'Index on',
  'options-conflict': 'Creation of',
  validator: 'Validator of',
  expiry: 'Expiry of',
};

/** For people: what is asked. */
function about(check: Precheck): string {
  const detail = 'index' in check ? ` (${keysOf(check.index)})` : 'field' in check ? ` by ${check.field}` : '';
  return `${names[check.kind]} ${check.collection}${detail}`;
}

function keysOf(index: string): string {
  const keys = parseExtendedJson(index).get('key');
  return keys instanceof Map ? [...keys.keys()].join(', ') : '';
}

/**
 * Values that more than one document has. A document whose array holds a value twice is one document; a missing field is null, as in the
 * index. Source: mongodb.com/docs/manual/core/index-unique.
 */
function duplicates(index: OrderedDocument): Document[] {
  const paths = index.get('key') instanceof Map ? [...(index.get('key') as OrderedDocument).keys()] : [];
  const partial = index.get('partialFilterExpression');
  const sparse = index.get('sparse') === true ? [{ $match: { $or: paths.map((path) => ({ [path]: { $exists: true } })) } }] : [];
  const names = paths.map((_path, position) => `k${position}`);
  const key = Object.fromEntries(names.map((name) => [name, `$${name}`]));
  return [
    ...(partial instanceof Map ? [{ $match: partial as unknown as Document }] : []),
    ...sparse,
    { $project: Object.fromEntries(paths.map((path, position) => [`k${position}`, { $ifNull: [`$${path}`, null] }])) },
    ...names.map((name) => ({ $unwind: { path: `$${name}`, preserveNullAndEmptyArrays: true } })),
    { $group: { _id: { document: '$_id', ...key } } },
    { $group: { _id: Object.fromEntries(names.map((name) => [name, `$_id.${name}`])), documents: { $sum: 1 } } },
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
