import type { CheckResult } from '@migration-guard/shared/checks/check';
import type { VerifyContext } from './contract.ts';

/** Puts every check into the table of the stage, and those that did not pass into its findings and the log. */
export function presentChecks(title: string, results: readonly CheckResult[], { stage, log }: Pick<VerifyContext, 'stage' | 'log'>): void {
  stage.table({
    title,
    columns: ['Result', 'Check', 'Of', 'Expected', 'Found'],
    rows: results.map(({ status, rule, subject, expected, found }) => [status, rule, subject, expected, found]),
  });
  const failed = results.filter(({ status }) => status === 'failed').length;
  stage.figure('checks', `${results.length - failed} passed, ${failed} failed`);
  for (const { status, rule, subject, expected, found } of results) {
    const message = `${subject}: expected ${expected}, found ${found}`;
    log.info(`${marks[status]} ${rule} ${message}`);
    if (status !== 'passed') stage.finding({ severity: status === 'failed' ? 'error' : 'warning', rule, message });
  }
}

const marks: Readonly<Record<CheckResult['status'], string>> = { passed: '✓', warned: '!', failed: '✗' };
