import { choice, text } from '@migration-guard/shared/action/inputs';
import { defineAction } from '@migration-guard/shared/action/spec';

export const spec = defineAction({
  name: 'verify',
  title: 'Verify',
  description:
    'Checks a database before a migration (is everything ready, and a rollback possible?) and after it (is the data as it should be?).',
  inputs: {
    mode: choice('What to do: `preflight` before a migration, `verify` after it.', ['verify', 'preflight']).or('verify'),
    'rollback-point': text(
      'Rollback point to compare with: its path, or `latest` for the newest in the database; default: the one in the run folder.',
    ),
  },
  outputs: {
    'checks-passed': 'Number of checks that passed (with or without a warning)',
    'checks-failed': 'Number of checks that failed',
    decision: 'continue or rollback, by the detection rules (mode verify)',
    severity: 'none, medium, high or critical',
    reason: 'What decided, in one line; empty when nothing is wrong',
  },
  permissions: {},
  example: `- uses: OWNER/REPOSITORY/action-verify@v1
  id: verify
  with:
    uri: \${{ secrets.MONGODB_URI }}
    rollback-point: \${{ steps.migrate.outputs.rollback-point }}`,
  settings: async () => (await import('@migration-guard/shared/config/verify')).settings,
  check: ({ uri }) => (uri === undefined ? [{ subject: 'uri', message: 'is required' }] : []),
});
