import type { LintFile } from '../file.ts';
import type { FileRule, Match } from '../rule.ts';
import { isFunction, propertyName, within, type CallExpression, type FunctionNode, type Node } from '../tree.ts';

export const missingAwait: FileRule = {
  code: 'MS601',
  severity: 'error',
  summary: 'Nobody waits for a promise of the driver: the migration ends before its work is done, and its error is lost.',
  advice: 'Put `await` before it; in loops use `for … of` instead of `forEach`.',
  bad: `export const up = async (db) => {
  db.collection('orders').updateMany({ paid: null }, { $set: { paid: false } });
};
export const down = async (db) => {
  await db.collection('orders').updateMany({ paid: false }, { $set: { paid: null } });
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').updateMany({ paid: null }, { $set: { paid: false } });
};
export const down = async (db) => {
  await db.collection('orders').updateMany({ paid: false }, { $set: { paid: null } });
};`,
  check: (file) => [...calls(file), ...helpers(file), ...loops(file)],
};

function calls(file: LintFile): Match[] {
  return file.calls
    .filter(({ promises, args, node }) => promises && !args.some(isCallback) && isLost(file, node))
    .map(({ node, method }) => ({ node, message: `Nobody waits for the promise of ${method}.` }));
}

/** Functions of this file that return a promise and work with the driver. */
function helpers(file: LintFile): Match[] {
  return file.tree.nodes.flatMap((node): Match[] => {
    if (node.type !== 'CallExpression' || node.callee.type !== 'Identifier') return [];
    const binding = file.scopes.resolve(node, node.callee.name);
    const called = binding?.kind === 'function' ? binding.node : binding?.kind === 'variable' ? binding.value : undefined;
    if (!isFunction(called) || !called.async || !usesDriver(file, called) || !isLost(file, node)) return [];
    return [{ node, message: `Nobody waits for the promise of ${node.callee.name}.` }];
  });
}

/** `forEach` throws away what its function returns. */
function loops(file: LintFile): Match[] {
  return file.tree.nodes.flatMap((node): Match[] => {
    if (node.type !== 'CallExpression' || propertyName(node.callee) !== 'forEach') return [];
    const [body] = node.arguments;
    if (!isFunction(body) || !returnsPromise(file, body)) return [];
    return [{ node, message: 'forEach waits for none of the promises that its function returns.' }];
  });
}

function returnsPromise(file: LintFile, body: FunctionNode): boolean {
  if (body.async) return usesDriver(file, body);
  return body.body.type !== 'BlockStatement' && file.calls.some(({ node, promises }) => promises && node === body.body);
}

function usesDriver(file: LintFile, body: FunctionNode): boolean {
  const inside = new Set(within(body));
  return file.calls.some(({ node, promises }) => promises && inside.has(node));
}

function isCallback(node: Node): boolean {
  return isFunction(node) || (node.type === 'Identifier' && /^(callback|cb|next|done)_?$/.test(node.name));
}

/** Follows the promise outwards until somebody takes it, or nobody does. */
function isLost(file: LintFile, call: CallExpression): boolean {
  let node: Node = call;
  for (const outer of file.ancestors(call)) {
    if (outer.type === 'ExpressionStatement') return true;
    if (outer.type === 'UnaryExpression') return outer.operator === 'void';
    if (outer.type === 'VariableDeclarator') return isUnused(file, outer);
    const passesOn =
      /^(LogicalExpression|ConditionalExpression|ParenthesizedExpression|TS(As|NonNull|Satisfies)Expression|SequenceExpression)$/.test(
        outer.type,
      ) || isChain(outer, node);
    if (!passesOn) return false;
    node = outer;
  }
  return false;
}

/** `promise.then` and the call of it. Functions that are given to it may pass on a callback of old. */
function isChain(outer: Node, inner: Node): boolean {
  if (/^(then|catch|finally)$/.test(propertyName(outer) ?? '') && 'object' in outer) return outer.object === inner;
  if (outer.type !== 'CallExpression' || outer.callee !== inner) return false;
  return ![...within(outer)].some((node) => node.type === 'Identifier' && /^(callback|cb|next|done|resolve|reject)_?$/.test(node.name));
}

/** A result that is kept but never looked at. An exported one is looked at by others. */
function isUnused(file: LintFile, declarator: Extract<Node, { type: 'VariableDeclarator' }>): boolean {
  if (declarator.id.type !== 'Identifier') return false;
  const exported = [...file.ancestors(declarator)][1]?.type === 'ExportNamedDeclaration';
  return !exported && file.scopes.uses(declarator, declarator.id.name).length === 0;
}
