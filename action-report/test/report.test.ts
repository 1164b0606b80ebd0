import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { runReport } from '@migration-guard/shared/report/run-report';
import { startJob, type Job, type StepResult } from '@migration-guard/shared/testing/action-runner';
import { startGithubChecks } from '@migration-guard/shared/testing/github-checks';
import { startGithubComments } from '@migration-guard/shared/testing/github-comments';
import { startHttpService } from '@migration-guard/shared/testing/http-service';
import { mailAccount, startMailServer } from '@migration-guard/shared/testing/mail-server';
import { connectShared, dropDatabases, sharedUri, uniqueDatabase } from '@migration-guard/shared/testing/mongod';
import { sampleReport, type sampleNames } from '@migration-guard/shared/testing/run-reports';

const slackPath = '/services/T000/B000/very-secret-path';
const githubToken = 'ghs_very-secret-token';
const secrets = [slackPath, githubToken, mailAccount.password, encodeURIComponent(mailAccount.password)];
const pullRequestEvent = { pull_request: { number: 7 }, repository: { name: 'shop', owner: { login: 'octo' } } };

/** A job in which earlier steps left the run report of the given name. */
async function jobAfter(name: (typeof sampleNames)[number] | undefined, options: Parameters<typeof startJob>[0] = {}): Promise<Job> {
  const job = await startJob(options);
  const folder = path.join(job.temp, 'migration-guard');
  if (name !== undefined) await runReport.write(path.join(folder, 'run-report.json'), await sampleReport(name));
  return job;
}

/** Everything that a step left where others can read it. */
async function traces(result: StepResult): Promise<string> {
  const files = ['html', 'markdown', 'run-report'].map((name) => result.outputs[name]).filter((file) => file !== undefined);
  const contents = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return [result.log, result.summary, JSON.stringify(result.outputs), JSON.stringify(result.annotations), ...contents].join('\n');
}

async function expectNoSecrets(result: StepResult): Promise<void> {
  const everything = await traces(result);
  for (const secret of secrets) expect(everything).not.toContain(secret);
}

describe('the action report', () => {
  test('makes page, markdown and summary of the whole run, without any channel', async () => {
    await using job = await jobAfter('rolled-back');
    const result = await job.run('report', { inputs: {} });
    expect(result.exitCode).toBe(0);
    expect(result.outputs).toMatchObject({ result: 'passed', verdict: 'restored', json: result.outputs['run-report'] });
    expect(result.summary).toMatch(/^## ↩️ Rolled back, proven\n\n\*\*What happened:\*\* /);
    expect(result.summary).toContain('### ✅ Report · passed');
    expect(await readFile(result.outputs['markdown'] ?? '', 'utf8')).toMatch(/^## ↩️ Rolled back, proven\n/);
    expect(await readFile(result.outputs['html'] ?? '', 'utf8')).toContain('<h1>');
    expect((await runReport.read(result.outputs['json'] ?? '')).stages.at(-1)).toMatchObject({ action: 'report', result: 'passed' });
  });

  test('reaches Slack, e-mail, the pull request and the database, and tells no secret', async () => {
    await using slack = await startHttpService((_request, response) => response.end('ok'));
    await using mail = await startMailServer({ secure: true });
    await using github = await startGithubComments();
    await using connection = await connectShared();
    const database = uniqueDatabase('action_report');
    await using job = await jobAfter('failed', { event: pullRequestEvent, eventName: 'pull_request', env: { GITHUB_API_URL: github.url } });
    await mkdir(path.join(job.workspace, '.github'));
    await writeFile(
      path.join(job.workspace, '.github/migration-guard.yml'),
      'report:\n  email-to: [mira@example.org]\n  contacts:\n    - name: Data team\n      reach: "+49 30 1234567"\n      slack: S0614TZR7\n',
    );
    const account = `${encodeURIComponent(mailAccount.user)}:${encodeURIComponent(mailAccount.password)}`;
    const result = await job.run('report', {
      inputs: {
        'slack-webhook': `${slack.url}${slackPath}`,
        'smtp-url': `smtps://${account}@127.0.0.1:${mail.port}?tls.rejectUnauthorized=false`,
        'github-token': githubToken,
        uri: sharedUri(),
        database,
      },
    });
    expect(result.exitCode).toBe(0);
    expect(result.outputs).toMatchObject({ result: 'passed', verdict: 'failed' });
    expect(slack.received[0]?.body).toContain('<!subteam^S0614TZR7>');
    expect(mail.received[0]).toMatchObject({ to: ['mira@example.org'] });
    expect(mail.received[0]?.mail.text).toContain('Data team: +49 30 1234567');
    expect(github.comments[0]?.body).toMatch(/^<!-- migration-guard:report -->\n## ❌ Failed: Migrate \(apply\)/);
    const stored = await connection.client.db(database).collection('migration_reports').find().toArray();
    expect(stored).toMatchObject([{ runId: '19482230111', attempt: '1', verdict: 'failed' }]);
    await expectNoSecrets(result);
    await dropDatabases(connection.client, [database]);
  });

  test('goes on when every channel fails: one warning each, with advice, exit code 0', async () => {
    await using slack = await startHttpService((_request, response) => response.writeHead(403).end('invalid_token'));
    await using mail = await startMailServer({ secure: true });
    await using github = await startGithubComments({ refuse: 403 });
    await using job = await jobAfter('failed', { event: pullRequestEvent, env: { GITHUB_API_URL: github.url } });
    const result = await job.run('report', {
      inputs: {
        'slack-webhook': `${slack.url}${slackPath}`,
        'smtp-url': `smtps://robot:not-the-password@127.0.0.1:${mail.port}?tls.rejectUnauthorized=false`,
        'email-to': 'mira@example.org',
        'github-token': githubToken,
        uri: 'mongodb://127.0.0.1:1/shop?serverSelectionTimeoutMS=300',
      },
    });
    expect(result.exitCode).toBe(0);
    expect(result.outputs).toMatchObject({ result: 'warned', verdict: 'failed' });
    const stage = (await runReport.read(result.outputs['run-report'] ?? '')).stages.at(-1);
    expect(stage?.reason).toBe('The report is made, but did not reach Slack, e-mail, migration_reports, the pull request.');
    expect(stage?.findings.map(({ severity, rule }) => `${severity} ${rule}`)).toEqual([
      'warning notify/slack',
      'warning notify/email',
      'warning notify/collection',
      'warning notify/pull-request-denied',
    ]);
    expect(result.summary).toContain('pull-requests: write');
    expect(result.annotations.filter(({ level }) => level === 'error')).toEqual([]);
    expect(await traces(result)).not.toContain('not-the-password');
    await expectNoSecrets(result);
  });

  test('with notify-on failure is silent about a good run, and speaks up about a rollback', async () => {
    await using slack = await startHttpService((_request, response) => response.end('ok'));
    const inputs = { 'slack-webhook': `${slack.url}${slackPath}`, 'notify-on': 'failure' };
    await using good = await jobAfter('passed');
    expect(await good.run('report', { inputs })).toMatchObject({ exitCode: 0, outputs: { verdict: 'passed' } });
    expect(slack.received).toEqual([]);
    await using bad = await jobAfter('rolled-back');
    expect(await bad.run('report', { inputs })).toMatchObject({ exitCode: 0, outputs: { verdict: 'restored' } });
    expect(slack.received).toHaveLength(1);
  });

  test('says that there is no pull request to comment on', async () => {
    await using job = await jobAfter('passed');
    const result = await job.run('report', { inputs: { 'github-token': githubToken } });
    expect(result).toMatchObject({ exitCode: 0, outputs: { result: 'passed' } });
    expect(result.log).toContain('No pull request started this run');
  });

  test('writes a check run on the commit, with the findings on their lines', async () => {
    await using github = await startGithubChecks();
    await using job = await jobAfter('failed', { env: { GITHUB_API_URL: github.url, GITHUB_REPOSITORY: 'octo/shop' } });
    const result = await job.run('report', { inputs: { 'github-token': githubToken, 'check-run': 'Migrations' } });
    expect(result).toMatchObject({ exitCode: 0, outputs: { result: 'passed', verdict: 'failed' } });
    expect(github.checkRuns).toMatchObject([
      { name: 'Migrations', conclusion: 'failure', output: { title: expect.stringMatching(/^Failed/) } },
    ]);
    await expectNoSecrets(result);
  });

  test('fails clearly where no stage left a run report', async () => {
    await using job = await jobAfter(undefined);
    const result = await job.run('report', { inputs: {} });
    expect(result).toMatchObject({ exitCode: 1, outputs: { result: 'failed' } });
    expect(result.log).toContain('document/not-found');
  });

  test.each([
    [{ 'check-run': 'Migrations' }, undefined, /github-token.*is required where check-run is given/],
    [{ 'smtp-url': 'smtp://127.0.0.1' }, undefined, /email-to.*is required where smtp-url is given/],
    [{ 'notify-on': 'failures' }, undefined, /notify-on.*did you mean failure/],
    [
      {},
      'report:\n  contacts:\n    - name: Mira\n      slack: "@mira"\n',
      /contacts\.0\.slack expected the id of a Slack member.*migration-guard\.yml:4:7/,
    ],
  ])('refuses inputs %j and file %j', async (inputs, file, message) => {
    await using job = await jobAfter('passed');
    if (file !== undefined) {
      await mkdir(path.join(job.workspace, '.github'));
      await writeFile(path.join(job.workspace, '.github/migration-guard.yml'), file);
    }
    const result = await job.run('report', { inputs });
    expect(result.exitCode).toBe(1);
    expect(JSON.stringify(result.annotations)).toMatch(message);
  });
});
