import type { Observation, Statement } from '../observation.ts';
import { parseExtendedJson, toExtendedJson, toRaw, type OrderedDocument } from '../../mongo/extended-json.ts';
import type { DataPrecheck } from './precheck.ts';

/** The questions to the data that the commands of one file raise. Collections that the file makes itself raise none. */
export function derivePrechecks(file: string, database: string, { statements }: Pick<Observation, 'statements'>): readonly DataPrecheck[] {
  const made = new Set<string>();
  const checks: DataPrecheck[] = [];
  for (const statement of statements) {
    const namespace = namespaceOf(statement);
    if (namespace.database !== database || statement.definition === undefined) continue;
    const definition = parseExtendedJson(statement.definition);
    const at = { file, collection: namespace.collection };
    if (!made.has(namespace.collection)) checks.push(...checksOf(statement, definition, at));
    for (const name of madeBy({ ...statement, ...namespace }, definition)) made.add(name);
  }
  return unique(checks.filter((check) => check.kind !== 'index-use' || !rebuilt(statements, check)));
}

/** A renaming is a command to `admin` that names the collection with its database. */
function namespaceOf({ command, database, collection }: Statement): Pick<Statement, 'database' | 'collection'> {
  if (command !== 'renameCollection') return { database, collection };
  const [named = '', ...rest] = collection.split('.');
  return { database: named, collection: rest.join('.') };
}

type At = Pick<DataPrecheck, 'file' | 'collection'>;

function checksOf({ command }: Statement, definition: OrderedDocument, at: At): readonly DataPrecheck[] {
  const undisturbed = { kind: 'index-build', ...at } as const;
  switch (command) {
    case 'createIndexes':
      return [undisturbed, ...listOf(definition.get('indexes')).flatMap((index) => indexChecks(index, at))];
    case 'create':
      return [{ kind: 'options-conflict', ...at, options: textOf(withoutName(definition, 'create')) }];
    case 'collMod':
      return [undisturbed, ...validatorChecks(definition, at), ...changedIndex(definition, at)];
    case 'dropIndexes':
      return [undisturbed, ...droppedIndexes(definition, at)];
    case 'drop':
    case 'renameCollection':
    case 'convertToCapped':
      return [undisturbed];
    default:
      return [];
  }
}

function indexChecks(index: OrderedDocument, at: At): readonly DataPrecheck[] {
  const text = textOf(index);
  const [field] = [...documentOf(index.get('key')).keys()];
  const seconds = numberOf(index.get('expireAfterSeconds'));
  return [
    { kind: 'index-conflict', ...at, index: text },
    ...(index.get('unique') === true ? [{ kind: 'unique' as const, ...at, index: text }] : []),
    ...(seconds === undefined || field === undefined ? [] : [{ kind: 'expiry' as const, ...at, field, seconds }]),
  ];
}

/** Only a strict validator that refuses is an obstacle for documents that are there. */
function validatorChecks(definition: OrderedDocument, at: At): readonly DataPrecheck[] {
  const validator = definition.get('validator');
  const lax = definition.get('validationLevel') === 'moderate' || definition.get('validationLevel') === 'off';
  if (!(validator instanceof Map) || validator.size === 0 || lax || definition.get('validationAction') === 'warn') return [];
  return [{ kind: 'validator', ...at, validator: textOf(validator) }];
}

/** `collMod` names an index by its keys or by its name; without one it is about the collection, which expires by its own time. */
function changedIndex(definition: OrderedDocument, at: At): readonly DataPrecheck[] {
  const index = documentOf(definition.get('index'));
  const keys = documentOf(index.get('keyPattern'));
  const [field] = [...keys.keys()];
  const named = index.get('name');
  const by = field !== undefined ? { field } : typeof named === 'string' ? { named } : {};
  const seconds = numberOf(index.get('expireAfterSeconds') ?? definition.get('expireAfterSeconds'));
  const wanted: OrderedDocument = new Map([
    ...(field === undefined ? [['name', named] as const] : [['key', keys] as const]),
    ['unique', true],
  ]);
  return [
    ...(index.get('unique') === true || index.get('prepareUnique') === true
      ? [{ kind: 'unique' as const, ...at, index: textOf(wanted) }]
      : []),
    ...(seconds === undefined ? [] : [{ kind: 'expiry' as const, ...at, ...by, seconds }]),
  ];
}

/** `dropIndexes` names one index, by its name or its keys, several, or all of them. */
function droppedIndexes(definition: OrderedDocument, at: At): readonly IndexUse[] {
  const dropped = definition.get('index');
  return (Array.isArray(dropped) ? dropped : [dropped]).map((index): IndexUse => {
    const named: OrderedDocument = index instanceof Map ? new Map([['key', index]]) : new Map([['name', index]]);
    return { kind: 'index-use', ...at, index: textOf(named) };
  });
}

type IndexUse = Extract<DataPrecheck, { readonly kind: 'index-use' }>;

/** Whether the file builds an index of that name or those keys as well, with other options. */
function rebuilt(statements: readonly Statement[], { collection, index }: IndexUse): boolean {
  const [[option, value] = []] = parseExtendedJson(index);
  return statements.some(({ command, definition, ...statement }) => {
    if (command !== 'createIndexes' || statement.collection !== collection || definition === undefined || option === undefined)
      return false;
    const built = listOf(parseExtendedJson(definition).get('indexes'));
    return built.some((other) => textOf(new Map([[option, other.get(option)]])) === textOf(new Map([[option, value]])));
  });
}

/** Names under which the documents are new: nothing of the target stands there, or it is replaced. */
function madeBy({ command, collection }: Statement, definition: OrderedDocument): readonly string[] {
  if (command === 'create' || command === 'drop') return [collection];
  if (command === 'renameCollection') return [afterDot(definition.get('to'))];
  const out = definition.get('$out');
  return out === undefined ? [] : [typeof out === 'string' ? out : String(documentOf(out).get('coll'))];
}

function afterDot(namespace: unknown): string {
  return String(namespace).split('.').slice(1).join('.');
}

function unique(checks: readonly DataPrecheck[]): readonly DataPrecheck[] {
  return [...new Map(checks.map((check) => [JSON.stringify(check), check])).values()];
}

function withoutName(definition: OrderedDocument, name: string): OrderedDocument {
  return new Map([...definition].filter(([key]) => key !== name));
}

function textOf(document: OrderedDocument): string {
  return toExtendedJson(toRaw(document));
}

function documentOf(value: unknown): OrderedDocument {
  return value instanceof Map ? (value as OrderedDocument) : new Map();
}

function listOf(value: unknown): readonly OrderedDocument[] {
  return Array.isArray(value) ? value.map(documentOf) : [];
}

/** `undefined` also for `off`. */
function numberOf(value: unknown): number | undefined {
  const number = value === undefined || value === null ? Number.NaN : Number(value);
  return Number.isFinite(number) ? number : undefined;
}
