import { createdHere } from '../changes.ts';
import type { DriverCall } from '../calls.ts';
import type { LintFile } from '../file.ts';
import { writing } from '../methods.ts';
import type { FileRule } from '../rule.ts';
import { propertyName, type Node } from '../tree.ts';

export const notRepeatable: FileRule = {
  code: 'MF308',
  severity: 'warning',
  summary: 'A file that changes documents too creates without "if missing" or drops without "if exists": half-done, it cannot run again.',
  advice: 'Ask first (`listCollections`, `indexExists`), catch the error, or give the creation a file of its own.',
  bad: `export const up = async (db) => {
  await db.collection('users').updateMany({ plan: null }, { $set: { plan: 'free' } });
  await db.createCollection('plans');
};
export const down = async (db) => {
  await db.collection('plans').drop();
};`,
  good: `export const up = async (db) => {
  await db.collection('users').updateMany({ plan: null }, { $set: { plan: 'free' } });
  const exists = await db.listCollections({ name: 'plans' }).hasNext();
  if (!exists) await db.createCollection('plans');
};
export const down = async (db) => {
  await db.collection('plans').drop();
};`,
  check: (file) => {
    const own = createdHere(file);
    const writesElsewhere = file.upCalls.some(
      (call) => call.kind === 'collection' && writing.has(call.method) && !own.has(call.collection ?? ''),
    );
    if (!writesElsewhere) return [];
    return file.upCalls
      .filter((call) => call.kind === 'database' && call.method === 'createCollection' && !isGuarded(file, call))
      .map(({ node, collection }) => ({ node, message: `A second run of this file fails when ${collection} is there already.` }));
  },
};

function isGuarded(file: LintFile, { node }: DriverCall): boolean {
  let inner: Node = node;
  for (const outer of file.ancestors(node)) {
    if (/^(IfStatement|ConditionalExpression|LogicalExpression|TryStatement|ForOfStatement)$/.test(outer.type)) return true;
    if (propertyName(outer) === 'catch' && 'object' in outer && outer.object === inner) return true;
    inner = outer;
  }
  return false;
}
