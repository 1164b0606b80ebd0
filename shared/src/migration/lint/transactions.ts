import type { DriverCall } from './calls.ts';
import type { LintFile } from './file.ts';
import { isFunction, propertyName, unwrap, type FunctionNode, type Node } from './tree.ts';

/** The function that is given to `withTransaction` and encloses the node. */
export function transactionBody(file: LintFile, node: Node): FunctionNode | undefined {
  let inner: Node = node;
  for (const outer of file.ancestors(node)) {
    if (
      outer.type === 'CallExpression' &&
      propertyName(outer.callee) === 'withTransaction' &&
      outer.arguments[0] === inner &&
      isFunction(inner)
    )
      return inner;
    inner = outer;
  }
  return undefined;
}

/** Whether the call stands in a transaction: within `withTransaction`, or between `startTransaction` and its end in the same function. */
export function inTransaction(file: LintFile, call: DriverCall): boolean {
  if (transactionBody(file, call.node) !== undefined) return true;
  const scope = functionOf(file, call.node);
  const of = (method: string): readonly number[] =>
    file.tree.nodes
      .filter((node) => node.type === 'CallExpression' && propertyName(node.callee) === method && functionOf(file, node) === scope)
      .map((node) => node.start ?? 0);
  const at = call.node.start ?? 0;
  const started = of('startTransaction').some((start) => start < at);
  return started && of('commitTransaction').some((end) => end > at);
}

/** Whether a session is passed. What is not written out is believed. */
export function passesSession({ values }: LintFile, { args }: DriverCall, position: number): boolean {
  const given = args.slice(position);
  return given.some((argument) => {
    const options = values.entries(argument);
    return options === undefined || options.has('session') || values.exactEntries(argument) === undefined;
  });
}

function functionOf(file: LintFile, node: Node): Node | undefined {
  return [...file.ancestors(node)].find((outer) => isFunction(outer));
}

/** The name of the variable at the root of `a.b.c`. */
export function rootName(node: Node): string | undefined {
  const value = unwrap(node);
  if (value.type === 'Identifier') return value.name;
  return value.type === 'MemberExpression' ? rootName(value.object) : undefined;
}
