import type { LintFile } from '../file.ts';
import type { FileRule, Match } from '../rule.ts';
import { propertyName, type Node } from '../tree.ts';

const secret =
  /^(AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,}|xox[abprs]-[\w-]{10,}|sk_live_\w{16,}|-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*)$/;

export const foreignTarget: FileRule = {
  code: 'MS607',
  severity: 'error',
  summary:
    'A secret or a connection string is written out, another database or client than the given one is used, or the process is ended.',
  advice: 'Work on the `db` that the migration is given, take other values from the environment, and throw an error to stop.',
  bad: `export const up = async (db, client) => {
  await client.db('billing').collection('invoices').updateMany({ paid: null }, { $set: { paid: false } });
};
export const down = async (db) => {
  await db.collection('invoices').updateMany({ paid: false }, { $set: { paid: null } });
};`,
  good: `export const up = async (db) => {
  await db.collection('invoices').updateMany({ paid: null }, { $set: { paid: false } });
};
export const down = async (db) => {
  await db.collection('invoices').updateMany({ paid: false }, { $set: { paid: null } });
};`,
  check: (file) => [
    ...file.tree.nodes.flatMap((node) => atNode(node)),
    ...file.calls
      .filter(({ kind, method, args }) => kind === 'client' && method === 'db' && file.values.text(args[0]) !== undefined)
      .map(({ node }) => ({ node, message: 'This is another database than the one that is migrated.' })),
    ...otherClients(file),
  ],
};

function atNode(node: Node): Match[] {
  if (node.type === 'StringLiteral' || node.type === 'TemplateLiteral') {
    const text = node.type === 'StringLiteral' ? node.value : (node.quasis[0]?.value.cooked ?? '');
    if (/^mongodb(\+srv)?:\/\//.test(text)) return [{ node, message: 'A connection string is written out here.' }];
    return secret.test(text) ? [{ node, message: 'A secret is written out here.' }] : [];
  }
  const ends =
    node.type === 'CallExpression' &&
    'object' in node.callee &&
    node.callee.object.type === 'Identifier' &&
    node.callee.object.name === 'process' &&
    /^(exit|abort|kill)$/.test(propertyName(node.callee) ?? '');
  return ends ? [{ node, message: 'This ends the process of all migrations, with nothing recorded.' }] : [];
}

function otherClients({ tree }: LintFile): Match[] {
  return tree.nodes
    .filter((node) => {
      if (node.type === 'NewExpression') return isMongoClient(node.callee);
      return (
        node.type === 'CallExpression' &&
        propertyName(node.callee) === 'connect' &&
        'object' in node.callee &&
        isMongoClient(node.callee.object)
      );
    })
    .map((node) => ({ node, message: 'This is another client than the one that the migration is given.' }));
}

function isMongoClient(node: Node): boolean {
  return (node.type === 'Identifier' && node.name === 'MongoClient') || propertyName(node) === 'MongoClient';
}
