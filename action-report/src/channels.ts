import { GuardError } from '@migration-guard/shared/errors/guard-error';
import { connect, databaseName } from '@migration-guard/shared/mongo/connect';
import { pullRequestOf } from '@migration-guard/shared/notify/pull-request-event';
import type { Secret } from '@migration-guard/shared/redaction/secret';
import { renderEmail } from '@migration-guard/shared/report/email';
import { renderReport } from '@migration-guard/shared/report/markdown';
import type { RunReport } from '@migration-guard/shared/report/run-report';
import { renderSlack } from '@migration-guard/shared/report/slack';
import type { Verdict } from '@migration-guard/shared/report/verdict';
import type { ReportContext, ReportInputs } from './contract.ts';

/** A place to which the report is taken. `send` throws a `GuardError`. */
export interface Channel {
  readonly name: string;
  readonly send: () => Promise<void>;
}

interface Report {
  readonly run: RunReport;
  readonly verdict: Verdict;
  readonly page: string;
}

/** The channels that are set up and wanted for this verdict. Each loads its library only when it is used. */
export async function channels(inputs: ReportInputs, context: ReportContext, report: Report): Promise<readonly Channel[]> {
  const { slackWebhook, smtpUrl, githubToken, uri, notifyOn } = inputs;
  const wanted = notifyOn === 'always' || report.verdict.alarming;
  const found: Channel[] = [];
  if (slackWebhook !== undefined && wanted) found.push({ name: 'Slack', send: () => slack(slackWebhook, context, report) });
  if (smtpUrl !== undefined && wanted) found.push({ name: 'e-mail', send: () => email(smtpUrl, { inputs, context, report }) });
  if (uri !== undefined) found.push({ name: 'migration_reports', send: () => collection(uri, { inputs, context, report }) });
  if (githubToken !== undefined) {
    const send = await pullRequestComment(githubToken, context, report);
    if (send === undefined) context.log.info('No pull request started this run: there is none to comment on.');
    else found.push({ name: 'the pull request', send });
    if (inputs.checkRun !== undefined) found.push(checkRunChannel(inputs.checkRun, { token: githubToken, context, report }));
  }
  return found;
}

interface Parts {
  readonly inputs: ReportInputs;
  readonly context: ReportContext;
  readonly report: Report;
}

async function slack(webhook: Secret, { settings, signal }: ReportContext, { run }: Report): Promise<void> {
  const { postToSlack } = await import('@migration-guard/shared/notify/slack');
  const mentions = settings.contacts.map((contact) => contact.slack).filter((id) => id !== undefined);
  await postToSlack(webhook, renderSlack(run, mentions), signal);
}

async function email(smtpUrl: Secret, { inputs, context, report }: Parts): Promise<void> {
  const { sendEmail } = await import('@migration-guard/shared/notify/email');
  const bodies = renderEmail(report.run, context.settings.contacts);
  await sendEmail(smtpUrl, { ...bodies, from: inputs.emailFrom, to: inputs.emailTo ?? [], page: report.page }, context.signal);
}

async function collection(uri: Secret, { inputs, context, report }: Parts): Promise<void> {
  const { storeReport } = await import('@migration-guard/shared/notify/collection');
  try {
    await using connection = await connect(uri);
    const database = databaseName(inputs.database, connection);
    await storeReport(connection.client.db(database), report.run, context.now());
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
    throw new GuardError('notify/collection', error.message, { cause: error, remedy: error.remedy });
  }
}

async function pullRequestComment(token: Secret, { env, signal }: ReportContext, { run }: Report): Promise<Channel['send'] | undefined> {
  const pullRequest = await pullRequestOf(env);
  if (pullRequest === undefined) return undefined;
  return async () => {
    const { commentBytes, commentOnPullRequest } = await import('@migration-guard/shared/notify/pull-request');
    const apiUrl = env['GITHUB_API_URL'] ?? 'https://api.github.com';
    await commentOnPullRequest({ token, apiUrl, pullRequest, markdown: renderReport(run, commentBytes), signal });
  };
}

interface CheckRunParts {
  readonly token: Secret;
  readonly context: ReportContext;
  readonly report: Report;
}

function checkRunChannel(name: string, { token, context, report: { run, verdict } }: CheckRunParts): Channel {
  const { env, signal } = context;
  const send = async (): Promise<void> => {
    const { checkRunBytes, writeCheckRun } = await import('@migration-guard/shared/notify/check-run');
    const pullRequest = await pullRequestOf(env);
    await writeCheckRun({
      token,
      apiUrl: env['GITHUB_API_URL'] ?? 'https://api.github.com',
      repository: run.run.repository,
      sha: pullRequest?.headSha ?? run.run.sha,
      name,
      tone: verdict.tone,
      title: verdict.headline,
      summary: renderReport(run, checkRunBytes),
      findings: run.stages.flatMap(({ findings }) => findings),
      detailsUrl: run.run.url,
      signal,
    });
  };
  return { name: `the check run ${name}`, send };
}
