import { choice, duration, text } from '@migration-guard/shared/action/inputs';
import { storeInputs } from '@migration-guard/shared/action/store-inputs';
import { defineAction } from '@migration-guard/shared/action/spec';

export const spec = defineAction({
  name: 'rollback',
  title: 'Rollback',
  description:
    'Brings a database back to its rollback point, exactly: restores what a migration touched, drops what it added, and proves the result by digest.',
  inputs: {
    mode: choice('What to do: `plan` shows what a rollback would do, `apply` does it.', ['plan', 'apply']).or('plan'),
    'rollback-point': text(
      'Where to go back to: its path, or `latest` for the newest in the database; default: the one in the run folder.',
    ),
    strategy: choice(
      'How: `auto` takes the cheapest way that is exact, `restore-collections` restores what differs, `restore` everything.',
      ['auto', 'restore-collections', 'restore'],
    ).or('auto'),
    conflicts: choice(
      'What to do with collections that were written between the backup and the rollback point: `fail` changes nothing, `revert` goes back to the backup and loses those writes.',
      ['fail', 'revert'],
    ).or('fail'),
    store: text('Where the backups are: a folder, or `s3://bucket/prefix`; default: the place named in the rollback point.'),
    ...storeInputs,
    'backup-id': text('The backup to restore from; default: the one named in the rollback point.'),
    'stop-command': text('Command that stops the application; run by the shell before the data is touched.'),
    'start-command': text('Command that starts the application; run by the shell after the proof.'),
    'lock-wait': duration('How long to wait while another run holds the lock; the one of a killed run is free after a minute.').or('90s'),
  },
  outputs: {
    rung: 'How far up the ladder the rollback went (or would go): none, restore-collections or restore',
    proof: 'equal (the database equals the rollback point), equal-to-backup (it equals the backup where that differs), failed, or none',
    conflicts: 'Collections of which the backup does not hold what the rollback point says, a JSON array',
  },
  permissions: { 'id-token: write': 'for `role-to-assume` only' },
  example: `- uses: OWNER/REPOSITORY/action-rollback@v1
  if: failure()
  with:
    mode: apply
    uri: \${{ secrets.MONGODB_URI }}
    rollback-point: \${{ steps.migrate.outputs.rollback-point }}
    stop-command: pm2 stop shop
    start-command: pm2 start shop`,
  settings: async () => (await import('@migration-guard/shared/config/rollback')).settings,
  check: ({ uri }) => (uri === undefined ? [{ subject: 'uri', message: 'is required' }] : []),
});
