import type { LintFile } from '../file.ts';
import { fetches } from '../modules.ts';
import type { FileRule } from '../rule.ts';
import { rootName, transactionBody } from '../transactions.ts';
import { propertyName, type FunctionNode, type Node } from '../tree.ts';

export const repeatedSideEffect: FileRule = {
  code: 'MT504',
  severity: 'warning',
  summary: 'The body of `withTransaction` changes something outside of the transaction; the driver may run the body more than once.',
  advice: 'Return the values from the body, and do the rest after the transaction.',
  bad: `export const up = async (db, client) => {
  let changed = 0;
  await client.withSession((session) =>
    session.withTransaction(async () => {
      const { modifiedCount } = await db.collection('orders').updateMany({ paid: null }, { $set: { paid: false } }, { session });
      changed += modifiedCount;
    }),
  );
  console.log(changed);
};
export const down = async (db) => {
  await db.collection('orders').updateMany({ paid: false }, { $set: { paid: null } });
};`,
  good: `export const up = async (db, client) => {
  const { modifiedCount } = await client.withSession((session) =>
    session.withTransaction(() => db.collection('orders').updateMany({ paid: null }, { $set: { paid: false } }, { session })),
  );
  console.log(modifiedCount);
};
export const down = async (db) => {
  await db.collection('orders').updateMany({ paid: false }, { $set: { paid: null } });
};`,
  check: (file) => {
    const effects = [...fetches(file), ...file.tree.nodes.filter((node) => changesOuter(file, node))];
    return effects
      .filter((node) => transactionBody(file, node) !== undefined)
      .map((node) => ({ node, message: 'This happens once more each time the transaction is repeated.' }));
  },
};

/** Counting up or adding to a variable from outside of the body, which the body does not set anew. */
function changesOuter(file: LintFile, node: Node): boolean {
  const changed = changedVariable(node);
  const body = changed === undefined ? undefined : transactionBody(file, node);
  if (changed === undefined || body === undefined) return false;
  const binding = file.scopes.resolve(node, changed);
  return binding !== undefined && binding.kind === 'variable' && !isInside(file, binding.node, body) && !isReset(file, body, changed);
}

function changedVariable(node: Node): string | undefined {
  if (node.type === 'UpdateExpression') return rootName(node.argument);
  if (node.type === 'AssignmentExpression' && node.operator !== '=') return rootName(node.left);
  if (node.type !== 'CallExpression' || !('object' in node.callee)) return undefined;
  return /^(push|unshift)$/.test(propertyName(node.callee) ?? '') ? rootName(node.callee.object) : undefined;
}

function isInside(file: LintFile, node: Node, body: FunctionNode): boolean {
  return [...file.ancestors(node)].includes(body);
}

function isReset(file: LintFile, body: FunctionNode, name: string): boolean {
  return file.tree.nodes.some(
    (node) => node.type === 'AssignmentExpression' && node.operator === '=' && rootName(node.left) === name && isInside(file, node, body),
  );
}
