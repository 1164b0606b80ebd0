import { compileFunction } from 'node:vm';

/** A file uses decorators, which Node does not know and which are not compiled here. */
export class DecoratorsFound extends SyntaxError {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly remedy =
    'Leave classes with decorators (entities, models) out of migrations and use db.collection(…); or compile the project first and set `migrations` to the folder of the JavaScript.';

  constructor(file: string, line: number) {
    super('it uses decorators, which Node does not know and which are not compiled here');
    this.file = file;
    this.line = line;
  }
}

/**
 * Throws `DecoratorsFound` when the code of a file, its types and imports removed with every line in its place, ends at a decorator. An at sign
 * in a text or a comment is none: Node's own parser decides.
 */
export function refuseDecorators(code: string, file: string): void {
  if (!/(^|[\s({,])@[A-Za-z_$]/.test(code)) return;
  try {
    compileFunction(`return (async () => {${code}\n})`, ['exports', 'require', 'module', '__filename', '__dirname'], {
      filename: 'migration',
    });
  } catch (error) {
    const line = Number(/^migration:(\d+)/.exec((error as Error).stack ?? '')?.[1]);
    if (/(^|[\s({,])@[A-Za-z_$]/.test(code.split('\n')[line - 1] ?? '')) throw new DecoratorsFound(file, line);
  }
}
