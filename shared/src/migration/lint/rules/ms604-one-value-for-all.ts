import { updatesOf } from '../changes.ts';
import type { LintFile } from '../file.ts';
import type { FileRule } from '../rule.ts';
import { propertyName, within, type Node } from '../tree.ts';

export const oneValueForAll: FileRule = {
  code: 'MS604',
  severity: 'warning',
  summary: 'A random or unique value is made once and written to many documents.',
  advice: 'Make the value for each document: in a loop with a bulk write, or by a pipeline (`$rand`).',
  bad: `import { randomUUID } from 'node:crypto';
export const up = async (db) => {
  await db.collection('teams').updateMany({ apiKey: null }, { $set: { apiKey: randomUUID() } });
};
export const down = async (db) => {
  await db.collection('teams').updateMany({}, { $unset: { apiKey: '' } });
};`,
  good: `import { randomUUID } from 'node:crypto';
export const up = async (db) => {
  for await (const { _id } of db.collection('teams').find({ apiKey: null })) {
    await db.collection('teams').updateOne({ _id }, { $set: { apiKey: randomUUID() } });
  }
};
export const down = async (db) => {
  await db.collection('teams').updateMany({}, { $unset: { apiKey: '' } });
};`,
  check: (file) =>
    updatesOf(file, file.upCalls)
      .filter(({ many }) => many)
      .flatMap(({ operators, call }) =>
        operators
          .flatMap(([, fields]) => [...(file.values.entries(fields) ?? [])])
          .filter(([, value]) => isMadeOnce(file, file.values.resolved(value)))
          .map(([field, node]) => ({ node, message: `All documents of ${call.collection} that match get the same ${field}.` })),
      ),
};

/** The time alone may well be the same for all; as part of a text it serves as a name. */
function isMadeOnce(file: LintFile, value: Node): boolean {
  const isText = value.type === 'TemplateLiteral' || value.type === 'BinaryExpression';
  return [...within(value)].some((node) => {
    const inner = node.type === 'Identifier' ? file.values.resolved(node) : node;
    if (inner.type !== 'CallExpression' && inner.type !== 'NewExpression') return false;
    const name = inner.callee.type === 'Identifier' ? inner.callee.name : (propertyName(inner.callee) ?? '');
    if (/^(random|randomUUID|randomBytes|randomInt|uuid|uuidv\d|v[1-7]|nanoid|cuid|createId)$/.test(name)) return true;
    if (name === 'ObjectId' || name === 'ObjectID') return inner.arguments.length === 0;
    return isText && (name === 'now' || name === 'Date') && inner.arguments.length === 0;
  });
}
