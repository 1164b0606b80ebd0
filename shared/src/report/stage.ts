import type { Finding, Stage } from './run-report.ts';

/** `Migrate (apply)`, or `Verify` where the mode says nothing more. */
export function stageName({ title, mode }: Pick<Stage, 'title' | 'mode'>): string {
  return mode === undefined || title.toLowerCase() === mode ? title : `${title} (${mode})`;
}

/** Why the stage ended as it did, if it says so. */
export function reasonOf({ error, reason }: Pick<Stage, 'error' | 'reason'>): string | undefined {
  return error?.message ?? reason;
}

/** The most severe first, otherwise in the order in which they were found. */
export function bySeverity(findings: readonly Finding[]): readonly Finding[] {
  return (['error', 'warning', 'note'] as const).flatMap((severity) => findings.filter((finding) => finding.severity === severity));
}

/** `file:line:column`, as editors and terminals read it. */
export function place({ file, line, column }: NonNullable<Finding['place']>): string {
  return [file, line, column].filter((part) => part !== undefined).join(':');
}
