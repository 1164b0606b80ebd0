import type { DriverCall } from './calls.ts';
import type { LintFile } from './file.ts';
import { keyOf, propertyName, within, type Node, type Tree } from './tree.ts';

/** One update of documents, as a call of its own or within a bulk write. */
export interface Update {
  readonly call: DriverCall;
  readonly node: Node;
  readonly many: boolean;
  readonly filter: Node | undefined;
  /** Operators with their objects, or the stages of a pipeline in order. */
  readonly operators: readonly (readonly [string, Node])[];
  readonly pipeline: boolean;
}

export function updatesOf({ values }: LintFile, calls: readonly DriverCall[]): readonly Update[] {
  const update = (call: DriverCall, node: Node, parts: { filter?: Node | undefined; change?: Node | undefined; many: boolean }): Update => {
    const stages = values.elements(parts.change);
    const operators = (stages ?? (parts.change === undefined ? [] : [parts.change])).flatMap((stage) => [...(values.entries(stage) ?? [])]);
    return { call, node, many: parts.many, filter: parts.filter, operators, pipeline: stages !== undefined };
  };
  return calls.flatMap((call) => {
    if (call.kind !== 'collection') return [];
    const [filter, change] = call.args;
    if (/^(updateOne|updateMany|update|findOneAndUpdate)$/.test(call.method))
      return [update(call, call.node, { filter, change, many: call.method === 'updateMany' })];
    if (call.method !== 'bulkWrite') return [];
    return values
      .deepEntries(filter)
      .filter(([key]) => key === 'updateOne' || key === 'updateMany')
      .map(([key, node]) => {
        const parts = values.entries(node);
        return update(call, node, { filter: parts?.get('filter'), change: parts?.get('update'), many: key === 'updateMany' });
      });
  });
}

/** The fields that an update assigns or changes, by dotted path as it is written. */
export function fieldsOf({ values }: LintFile, { operators }: Update): readonly (readonly [string, Node])[] {
  return operators.filter(([operator]) => operator !== '$unset').flatMap(([, fields]) => [...(values.entries(fields) ?? [])]);
}

/** The fields that `$unset` removes. */
export function unsetFields({ values }: LintFile, { operators }: Update): readonly string[] {
  return operators
    .filter(([operator]) => operator === '$unset')
    .flatMap(([, fields]) => {
      const one = values.text(fields);
      if (one !== undefined) return [one];
      return [...(values.entries(fields)?.keys() ?? values.elements(fields)?.flatMap((field) => values.text(field) ?? []) ?? [])];
    });
}

/** Whether `node` reads the value of `field`: an expression of the server (`'$fax'`) or of the file (`user.fax`). */
export function reads({ values, tree }: LintFile, node: Node | undefined, field: string): boolean {
  if (node === undefined) return false;
  if (values.strings(node).some((text) => text === `$${field}` || text.startsWith(`$${field}.`))) return true;
  return [...within(node)].some((inner) => takesOut(tree, inner, field));
}

/** Whether any code that `up` runs reads the value of `field`. */
export function readsInUp(file: LintFile, field: string): boolean {
  const { tree, steps, upCalls } = file;
  const inServer = upCalls.some(({ args }) => args.some((arg) => reads(file, arg, field)));
  return inServer || tree.nodes.some((node) => takesOut(tree, node, field) && !steps.onlyInDown(node));
}

/** `user.fax` where it is read, or `fax` of `const { fax } = user`. */
function takesOut(tree: Tree, node: Node, field: string): boolean {
  const name = field.split('.').at(-1);
  const parent = tree.parentOf(node);
  if (parent?.type === 'ObjectPattern') return keyOf(node) === name;
  if (propertyName(node) !== name) return false;
  if (parent?.type === 'CallExpression') return parent.callee !== node;
  if (parent?.type === 'AssignmentExpression') return parent.left !== node;
  return !(parent?.type === 'UnaryExpression' && parent.operator === 'delete');
}

/** A filter that matches everything: missing or written out as `{}`. */
export function matchesAll({ values }: LintFile, filter: Node | undefined): boolean {
  return filter === undefined || values.exactEntries(filter)?.size === 0;
}

/** An index that is built, with its keys and options. */
export interface IndexBuild {
  readonly call: DriverCall;
  readonly node: Node;
  readonly collection: string | undefined;
  readonly keys: Node | undefined;
  readonly options: ReadonlyMap<string, Node>;
}

export function indexBuilds({ values }: LintFile, calls: readonly DriverCall[]): readonly IndexBuild[] {
  const none: ReadonlyMap<string, Node> = new Map();
  return calls.flatMap((call): IndexBuild[] => {
    const { node, collection, args, method, kind } = call;
    if (kind === 'database' && method === 'createIndex')
      return [{ call, node, collection, keys: args[1], options: values.entries(args[2]) ?? none }];
    if (kind === 'database' && call.command === 'createIndexes') return specifications(values.entries(args[0])?.get('indexes'));
    if (kind !== 'collection') return [];
    if (method === 'createIndex' || method === 'ensureIndex')
      return [{ call, node, collection, keys: args[0], options: values.entries(args[1]) ?? none }];
    return method === 'createIndexes' ? specifications(args[0]) : [];

    function specifications(list: Node | undefined): IndexBuild[] {
      return (values.elements(list) ?? []).map((element) => {
        const options = values.entries(element) ?? none;
        return { call, node: element, collection, keys: options.get('key'), options };
      });
    }
  });
}

/** Names of the collections that `up` makes itself. */
export function createdHere({ values, upCalls }: LintFile): ReadonlySet<string> {
  return new Set(
    upCalls.flatMap((call) => {
      if (call.method === 'createCollection' || call.command === 'create') return call.collection ?? [];
      if (call.kind !== 'collection' || call.method !== 'aggregate') return [];
      return values.deepEntries(call.args[0]).flatMap(([key, node]) => (key === '$out' ? (values.text(node) ?? []) : []));
    }),
  );
}

/** Whether `up` makes the collection itself, so that it holds nothing of anybody else. */
export function isNew(file: LintFile, collection: string | undefined): boolean {
  return collection !== undefined && createdHere(file).has(collection);
}
