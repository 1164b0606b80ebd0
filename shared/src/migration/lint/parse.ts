import { parse } from '@babel/parser';
import { plant, type Tree } from './tree.ts';

export interface Comment {
  readonly text: string;
  /** Last line of the comment, from 1. */
  readonly line: number;
}

export interface Parsed {
  readonly tree: Tree;
  readonly comments: readonly Comment[];
}

/** Reads JavaScript or TypeScript, module or script. `undefined` for what is not a program: loading such a file names the fault. */
export function parseMigration(name: string, text: string): Parsed | undefined {
  try {
    const { program, comments } = parse(text, {
      sourceType: 'unambiguous',
      allowReturnOutsideFunction: true,
      allowAwaitOutsideFunction: true,
      allowUndeclaredExports: true,
      errorRecovery: true,
      attachComment: false,
      plugins: [...(/\.[cm]?ts$/.test(name) ? (['typescript'] as const) : []), 'decorators', 'explicitResourceManagement'],
    });
    return {
      tree: plant(program),
      comments: (comments ?? []).map(({ value, loc }) => ({ text: value, line: loc?.end.line ?? 0 })),
    };
  } catch {
    return undefined;
  }
}
