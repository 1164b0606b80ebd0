import type { parse } from '@babel/parser';

export type Program = ReturnType<typeof parse>['program'];
export type Statement = Program['body'][number];
export type Expression = Extract<Statement, { type: 'ExpressionStatement' }>['expression'];
type Of<Type extends string, From = Expression | Statement> = Extract<From, { type: Type }>;
export type CallExpression = Of<'CallExpression'>;
export type ObjectExpression = Of<'ObjectExpression'>;
export type FunctionNode =
  | Of<'FunctionDeclaration'>
  | Of<'FunctionExpression'>
  | Of<'ArrowFunctionExpression'>
  | Extract<ObjectExpression['properties'][number], { type: 'ObjectMethod' }>
  | Extract<Of<'ClassDeclaration'>['body']['body'][number], { type: 'ClassMethod' | 'ClassPrivateMethod' }>;
export type Node =
  | Program
  | Statement
  | Expression
  | FunctionNode
  | FunctionNode['params'][number]
  | ObjectExpression['properties'][number]
  | CallExpression['callee']
  | CallExpression['arguments'][number]
  | Of<'AssignmentExpression'>['left']
  | Of<'ExportNamedDeclaration'>['specifiers'][number]
  | Of<'VariableDeclaration'>['declarations'][number]['id']
  | Of<'VariableDeclaration'>['declarations'][number]
  | Of<'ImportDeclaration'>['specifiers'][number]
  | Of<'ClassDeclaration'>['body']['body'][number]
  | NonNullable<Of<'TryStatement'>['handler']>;

/** The nodes of a file in the order of the text, each knowing its parent. */
export interface Tree {
  readonly root: Program;
  readonly nodes: readonly Node[];
  parentOf(node: Node): Node | undefined;
}

/** Keys of a node that are no part of the program. */
const besides = new Set(['loc', 'leadingComments', 'innerComments', 'trailingComments', 'extra', 'errors', 'tokens']);

export function plant(root: Program): Tree {
  const nodes: Node[] = [];
  const parents = new Map<Node, Node>();
  const grow = (node: Node): void => {
    nodes.push(node);
    for (const child of childrenOf(node)) {
      parents.set(child, node);
      grow(child);
    }
  };
  grow(root);
  return { root, nodes, parentOf: (node) => parents.get(node) };
}

export function childrenOf(node: Node): readonly Node[] {
  return Object.entries(node)
    .filter(([key]) => !besides.has(key))
    .flatMap(([, value]: [string, unknown]) => (Array.isArray(value) ? value : [value]))
    .filter(isNode);
}

/** The node and all below it. */
export function* within(node: Node): Generator<Node> {
  yield node;
  for (const child of childrenOf(node)) yield* within(child);
}

/** What encloses the node, from the inside out. */
export function* ancestors(tree: Tree, node: Node): Generator<Node> {
  for (let parent = tree.parentOf(node); parent !== undefined; parent = tree.parentOf(parent)) yield parent;
}

export function isFunction(node: Node | null | undefined): node is FunctionNode {
  return /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression|ObjectMethod|ClassMethod|ClassPrivateMethod)$/.test(
    node?.type ?? '',
  );
}

/** The expression without what changes only its type or waits for it. */
export function unwrap(node: Node): Node {
  if (node.type === 'AwaitExpression') return unwrap(node.argument);
  return isTypeOnly(node) ? unwrap(node.expression) : node;
}

const typeOnly = /^(ParenthesizedExpression|TypeCastExpression|TS(As|Satisfies|NonNull)Expression|TSTypeAssertion)$/;
type TypeOnly = Extract<Node, { type: 'ParenthesizedExpression' | 'TSAsExpression' | 'TSNonNullExpression' | 'TSTypeAssertion' }>;

function isTypeOnly(node: Node): node is TypeOnly {
  return typeOnly.test(node.type);
}

/** `name` of `object.name` and `object['name']`. */
export function propertyName(node: Node): string | undefined {
  if (node.type !== 'MemberExpression' && node.type !== 'OptionalMemberExpression') return undefined;
  if (node.computed) return node.property.type === 'StringLiteral' ? node.property.value : undefined;
  return node.property.type === 'Identifier' ? node.property.name : undefined;
}

/** The key of a property that is written out. */
export function keyOf(node: Node): string | undefined {
  if (node.type !== 'ObjectProperty' && node.type !== 'ObjectMethod' && node.type !== 'ClassMethod' && node.type !== 'ClassProperty')
    return undefined;
  if (node.key.type === 'StringLiteral') return node.key.value;
  return node.key.type === 'Identifier' && !node.computed ? node.key.name : undefined;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
