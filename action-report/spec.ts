import { choice, list, secret, text } from '@migration-guard/shared/action/inputs';
import { defineAction } from '@migration-guard/shared/action/spec';

export const spec = defineAction({
  name: 'report',
  title: 'Report',
  description:
    'Makes one report of all stages of the run and takes it to every channel: job summary, HTML page, Slack, e-mail, pull request and the collection migration_reports.',
  inputs: {
    'slack-webhook': secret('Address of an incoming webhook of Slack.'),
    'smtp-url': secret('Mail server, for example smtps://user:password@mail.example.org.'),
    'email-to': list('Recipients of the e-mail.'),
    'email-from': text('Sender of the e-mail; default: the user of `smtp-url`, or migration-guard at its host.'),
    'github-token': secret('Token for the comment on the pull request that started the run.'),
    'check-run': text('Name of a check run with the findings on their lines, written with `github-token`; default: none is written.'),
    'notify-on': choice('When Slack and e-mail are sent: `always`, or on `failure` only (a rollback is one).', ['always', 'failure']).or(
      'always',
    ),
  },
  outputs: {
    verdict: 'passed, warned, failed, inconclusive, or restored (rolled back and proven): how the whole run ended',
    html: 'Path of the report as one HTML page',
    markdown: 'Path of the report as markdown',
    json: 'Path of the run report',
  },
  permissions: {
    'pull-requests: write': 'for the comment, where `github-token` is given',
    'checks: write': 'for the check run, where `check-run` is given',
  },
  example: `- uses: OWNER/REPOSITORY/action-report@v1
  if: always()
  with:
    uri: \${{ secrets.MONGODB_URI }}
    slack-webhook: \${{ secrets.SLACK_WEBHOOK }}
    notify-on: failure`,
  settings: async () => (await import('@migration-guard/shared/config/report')).settings,
  check: ({ smtpUrl, emailTo, checkRun, githubToken }) => [
    ...(smtpUrl !== undefined && (emailTo ?? []).length === 0
      ? [{ subject: 'email-to', message: 'is required where smtp-url is given' }]
      : []),
    ...(checkRun !== undefined && githubToken === undefined
      ? [{ subject: 'github-token', message: 'is required where check-run is given' }]
      : []),
  ],
});
