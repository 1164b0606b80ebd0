import type { FileRule } from '../rule.ts';
import { propertyName, type FunctionNode, type Node } from '../tree.ts';

export const noDown: FileRule = {
  code: 'MS602',
  severity: 'warning',
  summary: '`down` is missing, empty, or only throws, and the file does not say that it is irreversible.',
  advice: "Write `down`, or say why there is none: `export const irreversible = 'reason'`.",
  bad: `export const up = async (db) => {
  await db.collection('orders').updateMany({ paid: null }, { $set: { paid: false } });
};
export const down = async () => {};`,
  good: `export const irreversible = 'The rates of the old currency are not known any more.';
export const up = async (db) => {
  await db.collection('orders').updateMany({ paid: null }, { $set: { paid: false } });
};`,
  check: ({ steps: { up, down, irreversible } }) => {
    if (up === undefined || irreversible !== undefined || (isEmpty(up) && (down === undefined || isEmpty(down)))) return [];
    if (down === undefined) return [{ node: up, message: 'up cannot be taken back: there is no down.' }];
    if (isEmpty(down)) return [{ node: down, message: 'up cannot be taken back: down is empty.' }];
    return throwsOnly(down) ? [{ node: down, message: 'up cannot be taken back: down only throws.' }] : [];
  },
};

function isEmpty({ body }: FunctionNode): boolean {
  return body.type === 'BlockStatement' && body.body.every((statement) => statement.type === 'ReturnStatement' && !statement.argument);
}

function throwsOnly({ body }: FunctionNode): boolean {
  if (body.type !== 'BlockStatement') return isRejection(body);
  const [first] = body.body;
  return first?.type === 'ThrowStatement' || (first?.type === 'ReturnStatement' && isRejection(first.argument));
}

/** `Promise.reject(…)`. */
function isRejection(node: Node | null | undefined): boolean {
  return node?.type === 'CallExpression' && propertyName(node.callee) === 'reject';
}
