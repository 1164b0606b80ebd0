import path from 'node:path';
import type { LintFinding } from '../../migration/lint/run.ts';
import { recordedRules } from './all.ts';
import type { Observed } from './rule.ts';

/** The findings of all recorded rules about one file; `workspace` is what paths are relative to. Pure. */
export function checkObserved(observed: Observed, workspace: string): readonly LintFinding[] {
  const file = path.relative(workspace, observed.step.file.path);
  return recordedRules.flatMap((rule) =>
    rule.check(observed).map(({ message, statement, line, severity = rule.severity }) => {
      const place = statement?.place;
      const own = place !== undefined && place.file === observed.step.file.path ? place : undefined;
      const { code, advice } = rule;
      return { code, severity, message: `${message} ${advice}`, file, line: own?.line ?? line ?? 1, column: own?.column ?? 1 };
    }),
  );
}
