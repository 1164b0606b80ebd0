import { matchesAll } from '../changes.ts';
import type { LintFile } from '../file.ts';
import type { FileRule } from '../rule.ts';
import { propertyName, unwrap, type Node } from '../tree.ts';

export const allInMemory: FileRule = {
  code: 'MP408',
  severity: 'warning',
  summary: 'A whole collection is read into memory, or a cursor is kept open without a time limit.',
  advice: 'Go through the cursor with `for await`, or filter and limit what is read.',
  bad: `export const up = async (db) => {
  const users = await db.collection('users').find({}).toArray();
  for (const { _id, name } of users) await db.collection('users').updateOne({ _id }, { $set: { label: name.trim() } });
};
export const down = async (db) => {
  await db.collection('users').updateMany({}, { $unset: { label: '' } });
};`,
  good: `export const up = async (db) => {
  const users = db.collection('users').find({});
  for await (const { _id, name } of users) await db.collection('users').updateOne({ _id }, { $set: { label: name.trim() } });
};
export const down = async (db) => {
  await db.collection('users').updateMany({}, { $unset: { label: '' } });
};`,
  check: (file) => [
    ...file.calls
      .filter(({ kind, method, node }) => kind === 'cursor' && method === 'toArray' && isUnbounded(file, node))
      .map(({ node, collection }) => ({ node, message: `This reads all of ${collection} into memory.` })),
    ...file.tree.nodes
      .filter((node) => propertyName(node) === 'noCursorTimeout' || (node.type === 'ObjectProperty' && keyIs(node, 'noCursorTimeout')))
      .map((node) => ({ node, message: 'This cursor stays open on the server when the migration dies.' })),
  ],
};

/** Only `find` without a filter counts, and nothing that limits it. */
function isUnbounded(file: LintFile, toArray: Node): boolean {
  let node: Node = toArray;
  for (;;) {
    const call = unwrap(node);
    if (call.type === 'Identifier') {
      const value = file.values.resolved(call);
      if (value === call) return false;
      node = value;
      continue;
    }
    if (call.type !== 'CallExpression' || !('object' in call.callee)) return false;
    const method = propertyName(call.callee);
    if (method === 'limit') return false;
    if (method === 'find') return matchesAll(file, call.arguments[0]) && file.values.entries(call.arguments[1])?.has('limit') !== true;
    if (method === 'aggregate') return false;
    node = call.callee.object;
  }
}

function keyIs(node: Node, name: string): boolean {
  return node.type === 'ObjectProperty' && node.key.type === 'Identifier' && node.key.name === name;
}
