import { parseMigration } from './parse.ts';
import { bySeverity, configured, type LintFinding } from './run.ts';
import type { Source } from './file.ts';
import type { LintSettings } from './settings.ts';
import { isSuppressed, suppressionsOf } from './suppress.ts';

export interface RecordedOptions {
  readonly sources: readonly Source[];
  readonly settings: LintSettings;
  /** What the static rules found: the same rule at the same line is said once. */
  readonly known: readonly Pick<LintFinding, 'code' | 'file' | 'line'>[];
}

/**
 * What of `found`, which was seen while migrations ran, is told: severities and suppressions count as for static findings. A finding without
 * a line of its own stands at the first, and is left out where the static rule has found something in the file. Pure.
 */
export function settleRecorded(found: readonly LintFinding[], { sources, settings, known }: RecordedOptions): readonly LintFinding[] {
  return sources
    .flatMap(({ file, text }) => {
      const parsed = parseMigration(file, text);
      const suppressions = parsed === undefined ? [] : suppressionsOf(parsed.comments);
      return found.filter((one) => one.file === file && !isSuppressed(one.code, one.line, suppressions));
    })
    .filter(
      ({ code, file, line }) => !known.some((other) => other.code === code && other.file === file && (line === 1 || other.line === line)),
    )
    .flatMap((one) => configured(one, settings))
    .sort(bySeverity);
}
