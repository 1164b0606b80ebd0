import { promising } from './methods.ts';
import type { Scopes } from './scope.ts';
import type { Steps } from './steps.ts';
import { propertyName, unwrap, type CallExpression, type Node, type Tree } from './tree.ts';
import type { Values } from './values.ts';

type Kind = 'database' | 'collection' | 'client' | 'session' | 'admin' | 'cursor' | 'bulk';

interface Receiver {
  readonly kind: Kind;
  /** Name of the collection, or `<expression>` where it is not written out. */
  readonly collection?: string | undefined;
}

/** A call of the MongoDB driver. */
export interface DriverCall extends Receiver {
  readonly node: CallExpression;
  readonly method: string;
  readonly args: readonly Node[];
  /** Whether its result is a promise. */
  readonly promises: boolean;
  /** Name of the command for `db.command({ … })`. */
  readonly command?: string | undefined;
}

interface Program {
  readonly tree: Tree;
  readonly scopes: Scopes;
  readonly values: Values;
  readonly steps: Steps;
  readonly text: string;
}

/** The calls of the driver, in the order of the text: on `db`, `client` and whatever was taken from them. */
export function callsOf(program: Program): readonly DriverCall[] {
  return program.tree.nodes.flatMap((node) => {
    if (node.type !== 'CallExpression') return [];
    const method = propertyName(node.callee);
    if (method === undefined || !('object' in node.callee)) return [];
    const receiver = receiverOf(program, node.callee.object);
    if (receiver === undefined) return [];
    const promises = promising[receiver.kind]?.has(method) === true;
    return [{ ...receiver, ...named(program, node, receiver), node, method, args: node.arguments, promises }];
  });
}

/** The collection that a method of a database names, and the name of a command. */
function named({ values, text }: Program, node: CallExpression, { kind, collection }: Receiver): Partial<DriverCall> {
  const method = propertyName(node.callee) ?? '';
  if (kind !== 'database' && kind !== 'admin') return { collection };
  if (/^(createCollection|dropCollection|renameCollection|createIndex|collection)$/.test(method))
    return { collection: nameOf(values, text, node.arguments[0]) };
  const first = method === 'command' ? [...(values.entries(node.arguments[0]) ?? [])][0] : undefined;
  return first === undefined ? {} : { command: first[0], collection: values.text(first[1]) };
}

function receiverOf(program: Program, node: Node, depth = 0): Receiver | undefined {
  const value = unwrap(node);
  if (depth > 20) return undefined;
  if (value.type === 'Identifier') return variable(program, value.name, { node: value, depth });
  if (value.type === 'MemberExpression' || value.type === 'OptionalMemberExpression') return byName(propertyName(value) ?? '');
  if (value.type === 'CallExpression' || value.type === 'OptionalCallExpression') return result(program, value, depth);
  if (value.type === 'NewExpression')
    return value.callee.type === 'Identifier' && value.callee.name === 'MongoClient' ? { kind: 'client' } : undefined;
  if (value.type === 'LogicalExpression') return receiverOf(program, value.left, depth + 1) ?? receiverOf(program, value.right, depth + 1);
  if (value.type !== 'ConditionalExpression') return undefined;
  return receiverOf(program, value.consequent, depth + 1) ?? receiverOf(program, value.alternate, depth + 1);
}

function variable(program: Program, name: string, { node, depth }: { readonly node: Node; readonly depth: number }): Receiver | undefined {
  const { scopes, steps } = program;
  const binding = scopes.resolve(node, name);
  if (binding?.kind === 'parameter') {
    const typed = binding.node.type === 'Identifier' ? byType(binding.node) : undefined;
    if (typed !== undefined) return typed;
    if (binding.of === steps.up || binding.of === steps.down) {
      if (binding.index === 0) return { kind: 'database' };
      if (binding.index === 1 && !/^(callback|cb|next|done)_?$/.test(name)) return { kind: 'client' };
    }
    return byName(name);
  }
  if (binding?.kind === 'variable' && binding.value !== undefined) {
    const declared = unwrap(binding.value);
    const known = declared === node ? undefined : receiverOf(program, declared, depth + 1);
    // A name says nothing about an object or a function that is written out here.
    return known ?? (/^(CallExpression|MemberExpression|OptionalCallExpression)$/.test(declared.type) ? byName(name) : undefined);
  }
  return binding?.kind === 'function' || binding?.kind === 'import' ? undefined : byName(name);
}

function result(program: Program, call: Node & { callee: Node; arguments: readonly Node[] }, depth: number): Receiver | undefined {
  const method = propertyName(call.callee);
  if (method === undefined || !('object' in call.callee)) return undefined;
  const { values, text } = program;
  if (method === 'collection' || method === 'createCollection')
    return { kind: 'collection', collection: nameOf(values, text, call.arguments[0]) };
  if (method === 'startSession') return { kind: 'session' };
  const receiver = receiverOf(program, call.callee.object, depth + 1);
  if (receiver?.kind === 'client') return method === 'db' ? { kind: 'database' } : method === 'connect' ? receiver : undefined;
  if (receiver?.kind === 'database') {
    if (method === 'admin') return { kind: 'admin' };
    return method === 'listCollections' || method === 'aggregate' ? { kind: 'cursor' } : undefined;
  }
  if (receiver?.kind === 'collection') {
    if (/^initialize\w*BulkOp$/.test(method)) return { ...receiver, kind: 'bulk' };
    return /^(find|aggregate|listIndexes|watch)$/.test(method) ? { ...receiver, kind: 'cursor' } : undefined;
  }
  return receiver?.kind === 'cursor' && promising['cursor']?.has(method) !== true ? receiver : undefined;
}

function nameOf(values: Values, text: string, node: Node | undefined): string | undefined {
  if (node === undefined) return undefined;
  return values.text(node) ?? `<${text.slice(node.start ?? 0, node.end ?? 0)}>`;
}

function byName(name: string): Receiver | undefined {
  if (/^(db|database)$/i.test(name)) return { kind: 'database' };
  if (/^(client|mongoClient)$/i.test(name)) return { kind: 'client' };
  if (/^(\w+Session|session)$/.test(name)) return { kind: 'session' };
  return /^(\w+Collection|collection|coll|col)$/.test(name) ? { kind: 'collection', collection: `<${name}>` } : undefined;
}

const byTypeName: Readonly<Record<string, Kind>> = {
  Db: 'database',
  MongoClient: 'client',
  Collection: 'collection',
  ClientSession: 'session',
};

function byType(node: Extract<Node, { type: 'Identifier' }>): Receiver | undefined {
  const annotation = node.typeAnnotation?.type === 'TSTypeAnnotation' ? node.typeAnnotation.typeAnnotation : undefined;
  const name = annotation?.type === 'TSTypeReference' && annotation.typeName.type === 'Identifier' ? annotation.typeName.name : '';
  const kind = byTypeName[name];
  return kind === undefined ? undefined : { kind, ...(kind === 'collection' ? { collection: `<${node.name}>` } : {}) };
}
