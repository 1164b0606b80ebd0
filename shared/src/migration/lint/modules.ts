import type { LintFile } from './file.ts';
import { type Node } from './tree.ts';

export interface Load {
  readonly node: Node;
  /** For example `mongoose`, `node:fs`, `../models/user`. */
  readonly module: string;
}

/** What the file imports or requires; not what is imported as a type only. */
export function loadsOf({ tree, values }: LintFile): readonly Load[] {
  return tree.nodes.flatMap((node): Load[] => {
    if (node.type === 'ImportDeclaration') return node.importKind === 'type' ? [] : [{ node, module: node.source.value }];
    if (node.type !== 'CallExpression') return [];
    const loads = node.callee.type === 'Import' || (node.callee.type === 'Identifier' && node.callee.name === 'require');
    const module = loads ? values.text(node.arguments[0]) : undefined;
    return module === undefined ? [] : [{ node, module }];
  });
}

const outside =
  /^(node:)?(fs|fs\/promises|child_process|http|https|http2|net|tls|dgram|dns)$|^(axios|got|node-fetch|undici|ky|superagent|request|nodemailer|execa|shelljs|fs-extra|ioredis|redis|amqplib|kafkajs|pg|mysql2?)$|^@(aws-sdk|google-cloud|azure|slack|sendgrid)\//;

/** Whether a module reaches beyond the database: network, files, processes. */
export function isOutside(module: string): boolean {
  return outside.test(module);
}

/** Calls of the global `fetch`. */
export function fetches({ tree, scopes }: LintFile): readonly Node[] {
  return tree.nodes.filter(
    (node) =>
      node.type === 'CallExpression' &&
      node.callee.type === 'Identifier' &&
      node.callee.name === 'fetch' &&
      scopes.resolve(node, 'fetch') === undefined,
  );
}
