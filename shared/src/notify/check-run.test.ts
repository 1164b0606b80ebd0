import { describe, expect, test } from '@jest/globals';
import { Secret } from '../redaction/secret.ts';
import type { Finding } from '../report/run-report.ts';
import { startGithubChecks, type GithubChecks } from '../testing/github-checks.ts';
import { writeCheckRun, type CheckRunOptions } from './check-run.ts';

const finding = (line: number): Finding => ({
  severity: 'error',
  rule: 'MD103',
  message: 'deletes all',
  place: { file: 'migrations/1.js', line, column: 3 },
});

function write(github: GithubChecks, options: Partial<CheckRunOptions> = {}): Promise<void> {
  return writeCheckRun({
    token: new Secret('ghs_token'),
    apiUrl: github.url,
    repository: 'octo/shop',
    sha: 'a'.repeat(40),
    name: 'Migration rehearsal',
    tone: 'failed',
    title: 'Failed',
    summary: 'Summary',
    findings: [],
    detailsUrl: 'https://github.com/octo/shop/actions/runs/1',
    signal: new AbortController().signal,
    ...options,
  });
}

describe('the check run', () => {
  test('shows findings on their lines; those without a place are in the summary only', async () => {
    await using github = await startGithubChecks();
    await write(github, { findings: [finding(7), { severity: 'warning', rule: 'x', message: 'no place' }] });
    const annotation = {
      path: 'migrations/1.js',
      start_line: 7,
      end_line: 7,
      start_column: 3,
      annotation_level: 'failure',
      title: 'MD103',
    };
    expect(github.checkRuns).toMatchObject([
      { name: 'Migration rehearsal', head_sha: 'a'.repeat(40), conclusion: 'failure', output: { annotations: [annotation] } },
    ]);
  });

  test('takes more annotations than one request may carry', async () => {
    await using github = await startGithubChecks();
    await write(github, { findings: Array.from({ length: 120 }, (_, line) => finding(line + 1)) });
    expect(github.checkRuns[0]?.output.annotations.map(({ start_line }) => start_line)).toEqual(
      Array.from({ length: 120 }, (_, n) => n + 1),
    );
  });

  test.each([
    ['passed', 'success'],
    ['warned', 'neutral'],
    ['inconclusive', 'neutral'],
    ['restored', 'failure'],
  ] as const)('of a run that %s concludes with %s', async (tone, conclusion) => {
    await using github = await startGithubChecks();
    await write(github, { tone });
    expect(github.checkRuns[0]?.conclusion).toBe(conclusion);
  });

  test.each([
    [403, 'notify/check-run-denied'],
    [502, 'notify/check-run'],
  ])('that GitHub refuses with %d ends with %s', async (refuse, code) => {
    await using github = await startGithubChecks({ refuse });
    await expect(write(github)).rejects.toMatchObject({ code });
  });
});
