import { GuardError } from '../errors/guard-error.ts';
import { parseExtendedJson, toExtendedJson, toRaw } from '../mongo/extended-json.ts';
import { nameOf, parseNamespace, type Namespace } from './namespaces.ts';
import type { PlannedCollection } from './planned-collection.ts';

/** Only documents of a collection that fit a query are backed up. */
export interface CollectionQuery extends Namespace {
  /** Canonical Extended JSON. */
  readonly filter: string;
}

/** Reads lines such as `shop.orders: {"status": "open"}`. Throws `input/invalid`, which never quotes a query: it holds values. */
export function parseQueries(lines: readonly string[]): readonly CollectionQuery[] {
  const queries = lines.map(parseQuery);
  const names = queries.map(nameOf);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new GuardError('input/invalid', `query: there is more than one for ${twice}.`);
  return queries;
}

function parseQuery(line: string, index: number): CollectionQuery {
  const [, name, text] = /^([^{]*?)\s*:\s*(\{.*\})\s*$/s.exec(line) ?? [];
  if (name === undefined || text === undefined)
    throw new GuardError('input/invalid', `query, line ${index + 1}: it is not such as shop.orders: {"status": "open"}.`);
  try {
    return { ...parseNamespace(name), filter: toExtendedJson(toRaw(parseExtendedJson(text))) };
  } catch (error) {
    if (error instanceof GuardError) throw error;
    throw new GuardError('input/invalid', `query for ${name}: it is not Extended JSON.`);
  }
}

/** The plan with the queries of its collections. Throws `input/invalid` when a query is for none of them, or for one that has no documents of its own. */
export function withQueries(planned: readonly PlannedCollection[], queries: readonly CollectionQuery[]): readonly PlannedCollection[] {
  const open = new Map(queries.map((query) => [nameOf(query), query.filter]));
  const result = planned.map((one) => {
    const name = `${one.database}.${one.entry.name}`;
    const query = open.get(name);
    if (query === undefined) return one;
    open.delete(name);
    if (one.entry.type !== 'collection')
      throw new GuardError('input/invalid', `query: ${name} is a ${one.entry.type}, which cannot be taken in part.`);
    return { ...one, query };
  });
  const [absent] = open.keys();
  if (absent !== undefined) throw new GuardError('input/invalid', `query: ${absent} is not among the collections of the backup.`);
  return result;
}
