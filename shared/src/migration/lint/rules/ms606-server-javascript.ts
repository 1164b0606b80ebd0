import type { FileRule } from '../rule.ts';
import { keyOf } from '../tree.ts';

export const serverJavaScript: FileRule = {
  code: 'MS606',
  severity: 'error',
  summary: 'JavaScript runs on the server (`$where`, `$function`, `$accumulator`, `mapReduce`), or text is run as code (`eval`).',
  advice: 'Write it as an aggregation pipeline, or compute it in the migration.',
  bad: `export const up = async (db) => {
  await db.collection('orders').updateMany({ $where: 'this.total > this.limit' }, { $set: { over: true } });
};
export const down = async (db) => {
  await db.collection('orders').updateMany({}, { $unset: { over: '' } });
};`,
  good: `export const up = async (db) => {
  await db.collection('orders').updateMany({ $expr: { $gt: ['$total', '$limit'] } }, { $set: { over: true } });
};
export const down = async (db) => {
  await db.collection('orders').updateMany({}, { $unset: { over: '' } });
};`,
  check: (file) => [
    ...file.tree.nodes
      .filter((node) => /^\$(where|function|accumulator)$/.test(keyOf(node) ?? ''))
      .map((node) => ({ node, message: `${keyOf(node)} runs JavaScript on the server.` })),
    ...file.calls
      .filter(({ method, command }) => method === 'mapReduce' || command === 'mapReduce' || method === 'eval' || command === 'eval')
      .map(({ node, command, method }) => ({ node, message: `${command ?? method} runs JavaScript on the server.` })),
    ...file.tree.nodes
      .filter((node) => (node.type === 'CallExpression' || node.type === 'NewExpression') && isEvaluator(node.callee))
      .map((node) => ({ node, message: 'Text is run as code.' })),
  ],
};

function isEvaluator(callee: { readonly type: string; readonly name?: unknown }): boolean {
  return callee.type === 'Identifier' && (callee.name === 'eval' || callee.name === 'Function');
}
