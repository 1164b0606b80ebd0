import { choice, duration, path, text } from '@migration-guard/shared/action/inputs';
import { defineAction } from '@migration-guard/shared/action/spec';

export const spec = defineAction({
  name: 'loadtest',
  title: 'Load test',
  description:
    'Checks a running service after a migration: a chain of HTTP requests as a user would make them, and how fast they are answered.',
  inputs: {
    mode: choice(
      'What to do: `smoke` performs the scenario once and repeats the steps listed under performance; `watch` asks the service, and the database behind `uri`, again and again after a release and decides whether to roll back.',
      ['smoke', 'watch'],
    ).or('smoke'),
    'base-url': text('Address of the service, for example https://staging.example.org.').mandatory(),
    scenario: path('YAML file with the scenario; it replaces the one in the configuration file.'),
    engine: choice('What sends the requests.', ['built-in']).or('built-in'),
    duration: duration(
      'Time limit of the whole check; what was not checked by then makes the verdict inconclusive. In the mode watch: how long it is watched; a rule that waits by then is waited for.',
    ).or('5m'),
  },
  outputs: {
    verdict: 'pass, warn, fail or inconclusive',
    severity: 'none, medium, high or critical: how bad it is for the users of the service',
    decision: 'continue or rollback, by the detection rules',
    reason: 'What decided, in one line; empty when no rule applies',
    reasons: 'What was wrong, a JSON array of sentences',
    results: 'Path of the results document (JSON)',
  },
  permissions: {},
  example: `- uses: OWNER/REPOSITORY/action-loadtest@v1
  with:
    mode: smoke
    base-url: https://staging.example.org
    scenario: .github/smoke.yml`,
  settings: async () => (await import('@migration-guard/shared/config/loadtest')).settings,
  check: ({ baseUrl }) => {
    const message = problemOfBaseUrl(baseUrl);
    return message === undefined ? [] : [{ subject: 'base-url', message }];
  },
});

function problemOfBaseUrl(baseUrl: string): string | undefined {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return 'expected an address that starts with http:// or https://';
  if (url.username !== '' || url.password !== '') return 'must not hold user name or password: send them as a header, from secrets';
  return url.search === '' && url.hash === '' ? undefined : 'must not hold a query or a fragment';
}
