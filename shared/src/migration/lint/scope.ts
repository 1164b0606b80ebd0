import { ancestors, isFunction, keyOf, type FunctionNode, type Node, type Tree } from './tree.ts';

/** What a name stands for. */
export type Binding =
  | { readonly kind: 'variable'; readonly constant: boolean; readonly value: Node | undefined; readonly node: Node }
  | { readonly kind: 'parameter'; readonly of: FunctionNode; readonly index: number; readonly node: Node }
  | { readonly kind: 'function'; readonly node: FunctionNode }
  | { readonly kind: 'import'; readonly source: string; readonly node: Node }
  | { readonly kind: 'other'; readonly node: Node };

export interface Scopes {
  /** What `name` means at `node`; `undefined` for a global. */
  resolve(node: Node, name: string): Binding | undefined;
  /** Where else the binding of `name` as seen from `node` is used. */
  uses(node: Node, name: string): readonly Node[];
}

/** Finds the declarations of a file. */
export function scopesOf(tree: Tree): Scopes {
  const scopes = new Map<Node, Map<string, Binding>>();
  const declare = (scope: Node | undefined, name: string, binding: Binding): void => {
    if (scope === undefined) return;
    const names = scopes.get(scope) ?? new Map<string, Binding>();
    scopes.set(scope, names.set(name, binding));
  };
  for (const node of tree.nodes) collect(tree, node, declare);
  const resolve = (from: Node, name: string): Binding | undefined => {
    for (const scope of [from, ...ancestors(tree, from)]) {
      const binding = scopes.get(scope)?.get(name);
      if (binding !== undefined) return binding;
    }
    return undefined;
  };
  const uses = (from: Node, name: string): readonly Node[] => {
    const binding = resolve(from, name);
    return tree.nodes.filter(
      (node) => node.type === 'Identifier' && node.name === name && isUse(tree, node) && resolve(node, name) === binding,
    );
  };
  return { resolve, uses };
}

type Declare = (scope: Node | undefined, name: string, binding: Binding) => void;

function collect(tree: Tree, node: Node, declare: Declare): void {
  if (node.type === 'VariableDeclarator') {
    const declaration = tree.parentOf(node);
    const kind = declaration?.type === 'VariableDeclaration' ? declaration.kind : 'let';
    const scope = scopeOf(tree, node, kind === 'var');
    const binding = { kind: 'variable', constant: kind === 'const', node } as const;
    if (node.id.type === 'Identifier') declare(scope, node.id.name, { ...binding, value: node.init ?? undefined });
    else for (const name of namesIn(node.id)) declare(scope, name, { kind: 'other', node });
  } else if (node.type === 'ImportDeclaration') {
    for (const specifier of node.specifiers)
      declare(tree.root, specifier.local.name, { kind: 'import', source: node.source.value, node: specifier });
  } else if (node.type === 'CatchClause') {
    for (const name of node.param ? namesIn(node.param) : []) declare(node, name, { kind: 'other', node });
  } else if (node.type === 'ClassDeclaration' && node.id) {
    declare(scopeOf(tree, node, false), node.id.name, { kind: 'other', node });
  }
  if (!isFunction(node)) return;
  if (node.type === 'FunctionDeclaration' && node.id) declare(scopeOf(tree, node, false), node.id.name, { kind: 'function', node });
  if (node.type === 'FunctionExpression' && node.id) declare(node, node.id.name, { kind: 'function', node });
  for (const [index, parameter] of node.params.entries()) {
    const plain = parameter.type === 'AssignmentPattern' ? parameter.left : parameter;
    if (plain.type === 'Identifier') declare(node, plain.name, { kind: 'parameter', of: node, index, node: plain });
    else for (const name of namesIn(plain)) declare(node, name, { kind: 'other', node: plain });
  }
}

function scopeOf(tree: Tree, node: Node, ofFunction: boolean): Node | undefined {
  for (const outer of ancestors(tree, node)) {
    if (outer.type === 'Program' || isFunction(outer)) return outer;
    if (!ofFunction && /^(BlockStatement|ForStatement|ForOfStatement|ForInStatement|SwitchStatement|StaticBlock)$/.test(outer.type))
      return outer;
  }
  return undefined;
}

/** The names that a pattern binds. */
function namesIn(pattern: Node): readonly string[] {
  if (pattern.type === 'Identifier') return [pattern.name];
  if (pattern.type === 'AssignmentPattern') return namesIn(pattern.left);
  if (pattern.type === 'RestElement') return namesIn(pattern.argument);
  if (pattern.type === 'TSParameterProperty') return namesIn(pattern.parameter);
  if (pattern.type === 'ArrayPattern') return pattern.elements.flatMap((element) => (element === null ? [] : namesIn(element)));
  if (pattern.type !== 'ObjectPattern') return [];
  return pattern.properties.flatMap((property) => namesIn(property.type === 'RestElement' ? property.argument : property.value));
}

/** Whether an identifier reads or writes a variable: it is no key and no declaration. */
function isUse(tree: Tree, node: Node): boolean {
  const parent = tree.parentOf(node);
  if (parent === undefined) return false;
  if (parent.type === 'VariableDeclarator') return parent.init === node;
  if (parent.type === 'MemberExpression' || parent.type === 'OptionalMemberExpression') return parent.object === node || parent.computed;
  if (keyOf(parent) !== undefined && 'value' in parent) return parent.value === node;
  return !isFunction(parent) || parent.body === node;
}
