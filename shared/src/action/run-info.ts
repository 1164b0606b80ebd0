import { tmpdir } from 'node:os';
import path from 'node:path';
import type { RunInfo } from '../report/run-report.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Which run of which workflow this is, from the variables that the runner sets. */
export function runInfo(env: Env): RunInfo {
  const server = env['GITHUB_SERVER_URL'] ?? 'https://github.com';
  const repository = env['GITHUB_REPOSITORY'] ?? 'local/local';
  const runId = env['GITHUB_RUN_ID'] ?? '0';
  const attempt = env['GITHUB_RUN_ATTEMPT'] ?? '1';
  return {
    repository,
    workflow: env['GITHUB_WORKFLOW'] ?? '',
    job: env['GITHUB_JOB'] ?? '',
    runId,
    attempt,
    url: `${server}/${repository}/actions/runs/${runId}/attempts/${attempt}`,
    sha: env['GITHUB_SHA'] ?? '',
    ref: env['GITHUB_REF'] ?? '',
    actor: env['GITHUB_ACTOR'] ?? '',
    event: env['GITHUB_EVENT_NAME'] ?? '',
  };
}

/** The folder of the checkout. */
export function workspaceFolder(env: Env): string {
  return env['GITHUB_WORKSPACE'] ?? process.cwd();
}

/** The folder that the actions of one job share when the user names none. */
export function defaultRunFolder(env: Env): string {
  return path.join(env['RUNNER_TEMP'] ?? tmpdir(), 'migration-guard');
}
