import { z } from 'zod';
import type { Finding } from '../../report/run-report.ts';
import { isAboutTarget, precheckSchema, severityOf, type PrecheckAnswer } from './precheck.ts';

/** A question, and what the copy answered before the migration ran: `undefined` when it was not asked then. */
export const knownPrecheckSchema = z.strictObject({ check: precheckSchema, foundOnCopy: z.number().optional() });

export type KnownPrecheck = z.infer<typeof knownPrecheckSchema>;

/** After a failed rehearsal: what in the data stands against the migration. */
export function findingsOnCopy(answers: readonly PrecheckAnswer[]): readonly Finding[] {
  return answers
    .filter(({ check, found }) => found !== 0 && !isAboutTarget(check))
    .map(({ check, message }) => finding('warning', check.file, message));
}

/**
 * What the target answers right before the first write. What the copy had too, and the migration coped with, is nothing to worry about;
 * what came since the backup makes it fail, or would.
 */
export function findingsOnTarget(known: readonly KnownPrecheck[], answers: readonly PrecheckAnswer[]): readonly Finding[] {
  return answers.flatMap(({ check, found, message }, index): readonly Finding[] => {
    if (found === 0) return [];
    if (found === undefined) return [finding('note', check.file, message)];
    if (isAboutTarget(check)) return [finding(severityOf(check), check.file, message)];
    const before = known[index]?.foundOnCopy;
    if (before !== undefined && before > 0) return [];
    return [finding(before === undefined ? 'warning' : severityOf(check), check.file, message)];
  });
}

/** Before the day of the release: what is in the way of the files as the server of the target is now. */
export function findingsAhead(answers: readonly PrecheckAnswer[]): readonly Finding[] {
  return answers
    .filter(({ found }) => found !== undefined && found > 0)
    .map(({ check, message }) => finding('warning', check.file, message));
}

function finding(severity: Finding['severity'], file: string, message: string): Finding {
  return { severity, rule: 'migration/precheck', message: `${file}: ${message}` };
}
