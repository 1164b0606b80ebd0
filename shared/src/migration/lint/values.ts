import type { Scopes } from './scope.ts';
import { keyOf, propertyName, unwrap, within, type Node, type Tree } from './tree.ts';

/** What can be known of values without running the file. */
export interface Values {
  /** The expression that a name stands for when it is a constant that nothing changes; else the expression itself. */
  resolved(node: Node): Node;
  /** The text of a string that is written out. */
  text(node: Node | undefined): string | undefined;
  /** Keys and values of an object that is written out, spread objects left out; `undefined` for anything else. */
  entries(node: Node | undefined): ReadonlyMap<string, Node> | undefined;
  /** The same when nothing is spread into it and no key is computed. */
  exactEntries(node: Node | undefined): ReadonlyMap<string, Node> | undefined;
  /** The elements of an array that is written out. */
  elements(node: Node | undefined): readonly Node[] | undefined;
  /** Every key with its value, at any depth, constants followed. */
  deepEntries(node: Node | undefined): readonly (readonly [string, Node])[];
  /** Every string, at any depth. */
  strings(node: Node | undefined): readonly string[];
}

export function valuesOf(tree: Tree, scopes: Scopes): Values {
  const resolved = (node: Node, depth = 0): Node => {
    const plain = unwrap(node);
    if (plain.type !== 'Identifier' || depth > 5) return plain;
    const binding = scopes.resolve(plain, plain.name);
    if (binding?.kind !== 'variable' || !binding.constant || binding.value === undefined) return plain;
    return scopes.uses(plain, plain.name).some((use) => isChanged(tree, use)) ? plain : resolved(binding.value, depth + 1);
  };
  const text = (node: Node | undefined): string | undefined => {
    const value = node === undefined ? undefined : resolved(node);
    if (value?.type === 'StringLiteral') return value.value;
    return value?.type === 'TemplateLiteral' && value.expressions.length === 0 ? (value.quasis[0]?.value.cooked ?? undefined) : undefined;
  };
  const pairs = (node: Node | undefined, exact: boolean): ReadonlyMap<string, Node> | undefined => {
    const value = node === undefined ? undefined : resolved(node);
    if (value?.type !== 'ObjectExpression') return undefined;
    if (exact && value.properties.some((property) => keyOf(property) === undefined)) return undefined;
    return new Map(
      value.properties.flatMap((property) => {
        const key = keyOf(property);
        return key === undefined ? [] : [[key, property.type === 'ObjectProperty' ? property.value : property] as const];
      }),
    );
  };
  const elements = (node: Node | undefined): readonly Node[] | undefined => {
    const value = node === undefined ? undefined : resolved(node);
    return value?.type === 'ArrayExpression' ? value.elements.filter((element) => element !== null) : undefined;
  };
  const below = (node: Node | undefined, depth = 0): readonly Node[] =>
    node === undefined || depth > 5
      ? []
      : [...within(node)].flatMap((inner) => {
          const value = inner.type === 'Identifier' ? resolved(inner) : inner;
          return value === inner ? [inner] : below(value, depth + 1);
        });
  return {
    resolved: (node) => resolved(node),
    text,
    entries: (node) => pairs(node, false),
    exactEntries: (node) => pairs(node, true),
    elements,
    deepEntries: (node) =>
      below(node).flatMap((inner) => {
        const key = keyOf(inner);
        return key === undefined ? [] : [[key, inner.type === 'ObjectProperty' ? inner.value : inner] as const];
      }),
    strings: (node) => below(node).flatMap((inner) => (inner.type === 'StringLiteral' ? [inner.value] : [])),
  };
}

/** Whether this use of an object adds to it or may let others do so. */
function isChanged(tree: Tree, use: Node): boolean {
  const parent = tree.parentOf(use);
  if (parent === undefined || (propertyName(parent) === undefined && parent.type !== 'MemberExpression'))
    return isArgumentOfAssign(tree, use);
  const outer = tree.parentOf(parent);
  if (outer?.type === 'AssignmentExpression') return outer.left === parent;
  if (outer?.type === 'UnaryExpression') return outer.operator === 'delete';
  return (
    outer?.type === 'CallExpression' && outer.callee === parent && /^(push|unshift|splice|pop|shift)$/.test(propertyName(parent) ?? '')
  );
}

function isArgumentOfAssign(tree: Tree, use: Node): boolean {
  const call = tree.parentOf(use);
  return call?.type === 'CallExpression' && propertyName(call.callee) === 'assign' && call.arguments[0] === use;
}
