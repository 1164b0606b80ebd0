import type { Comment } from './parse.ts';

/** A comment `migration-guard-disable-next-line MD103 -- reason`. */
export interface Suppression {
  readonly codes: readonly string[];
  /** Absent where no reason is given: then nothing is suppressed. */
  readonly reason?: string;
  /** Line of the comment, from 1. */
  readonly line: number;
}

export const suppressionWithoutReason = {
  code: 'ML001',
  severity: 'warning',
  summary: 'A suppression without a reason, or without a code. It suppresses nothing.',
  advice: 'Name the code and the reason: `// migration-guard-disable-next-line MD103 -- the collection holds only caches`.',
} as const;

export function suppressionsOf(comments: readonly Comment[]): readonly Suppression[] {
  return comments.flatMap(({ text, line }) => {
    const [, rest] = /^[\s*]*migration-guard-disable-next-line\b([^]*)$/.exec(text) ?? [];
    if (rest === undefined) return [];
    const [codes = '', ...reasons] = rest.split(/\s--\s/);
    const reason = reasons.join(' -- ').trim();
    return [{ codes: codes.match(/\b[A-Z]{2}\d{3}\b/g) ?? [], line, ...(reason === '' ? {} : { reason }) }];
  });
}

export function isSuppressed(code: string, line: number, suppressions: readonly Suppression[]): boolean {
  return suppressions.some((found) => found.reason !== undefined && found.line + 1 === line && found.codes.includes(code));
}
