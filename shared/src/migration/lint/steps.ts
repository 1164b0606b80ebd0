import type { Scopes } from './scope.ts';
import { ancestors, isFunction, keyOf, propertyName, unwrap, within, type FunctionNode, type Node, type Tree } from './tree.ts';

export type Direction = 'up' | 'down';

export interface Steps {
  readonly up: FunctionNode | undefined;
  readonly down: FunctionNode | undefined;
  /** The text of an exported `irreversible`. */
  readonly irreversible: string | undefined;
  /** Whether `down` reaches this node and `up` does not. */
  onlyInDown(node: Node): boolean;
}

/** Finds `up` and `down`, exported in whatever way, and the helpers that they call. */
export function stepsOf(tree: Tree, scopes: Scopes): Steps {
  const up = find(tree, scopes, 'up');
  const down = find(tree, scopes, 'down');
  const reachedUp = reach(tree, scopes, up);
  const reachedDown = reach(tree, scopes, down);
  return {
    up,
    down,
    irreversible: irreversibleOf(tree),
    onlyInDown: (node) => {
      const outer = [...ancestors(tree, node)].filter(isFunction);
      return outer.some((reached) => reachedDown.has(reached)) && !outer.some((reached) => reachedUp.has(reached));
    },
  };
}

/** Steps are exported or members of what is exported: declarations at the top, `exports.up =`, `{ up }`, a method of a class. */
function find(tree: Tree, scopes: Scopes, direction: Direction): FunctionNode | undefined {
  const toFunction = (node: Node | null | undefined): FunctionNode | undefined => {
    if (!node) return undefined;
    const value = unwrap(node);
    if (isFunction(value)) return value;
    if (value.type === 'CallExpression') return value.arguments.map((argument) => unwrap(argument)).find(isFunction);
    if (value.type !== 'Identifier') return undefined;
    const binding = scopes.resolve(value, value.name);
    if (binding?.kind === 'function') return binding.node;
    return binding?.kind === 'variable' && binding.value !== node ? toFunction(binding.value) : undefined;
  };
  for (const node of tree.nodes) {
    if (keyOf(node) === direction && isOutside(tree, node)) {
      const found = isFunction(node) ? node : 'value' in node ? toFunction(node.value as Node) : undefined;
      if (found !== undefined) return found;
    }
    if (node.type === 'AssignmentExpression' && propertyName(node.left) === direction) return toFunction(node.right);
    if (node.type === 'FunctionDeclaration' && node.id?.name === direction && isOutside(tree, node)) return node;
    if (node.type === 'VariableDeclarator' && node.id.type === 'Identifier' && node.id.name === direction && isOutside(tree, node))
      return toFunction(node.init);
    if (node.type === 'ExportSpecifier' && node.exported.type === 'Identifier' && node.exported.name === direction)
      return toFunction(node.local);
  }
  return undefined;
}

function isOutside(tree: Tree, node: Node): boolean {
  return ![...ancestors(tree, node)].some(isFunction);
}

/** The function itself and every named function of the file that it uses, directly or not. */
function reach(tree: Tree, scopes: Scopes, start: FunctionNode | undefined): ReadonlySet<Node> {
  const reached = new Set<Node>();
  const visit = (next: FunctionNode | undefined): void => {
    if (next === undefined || reached.has(next)) return;
    reached.add(next);
    for (const node of within(next)) {
      if (node.type !== 'Identifier' && propertyName(node) === undefined) continue;
      visit(node.type === 'Identifier' ? named(scopes, node) : method(tree, propertyName(node) ?? ''));
    }
  };
  visit(start);
  return reached;
}

function named(scopes: Scopes, node: Node & { readonly name: unknown }): FunctionNode | undefined {
  const binding = typeof node.name === 'string' ? scopes.resolve(node, node.name) : undefined;
  if (binding?.kind === 'function') return binding.node;
  const value = binding?.kind === 'variable' && binding.value !== undefined ? unwrap(binding.value) : undefined;
  return isFunction(value) ? value : undefined;
}

function method(tree: Tree, name: string): FunctionNode | undefined {
  return tree.nodes.filter(isFunction).find((node) => node.type === 'ClassMethod' && keyOf(node) === name);
}

function irreversibleOf(tree: Tree): string | undefined {
  for (const node of tree.nodes) {
    const value =
      keyOf(node) === 'irreversible' && 'value' in node
        ? (node.value as Node)
        : node.type === 'VariableDeclarator' && node.id.type === 'Identifier' && node.id.name === 'irreversible'
          ? node.init
          : node.type === 'AssignmentExpression' && propertyName(node.left) === 'irreversible'
            ? node.right
            : undefined;
    if (value?.type === 'StringLiteral' && value.value.trim() !== '') return value.value;
  }
  return undefined;
}
