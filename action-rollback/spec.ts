import { choice, duration, list, path, secret, text } from '@migration-guard/shared/action/inputs';
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
      'Where the ladder is entered: `undo` puts back document by document what the migrations wrote, `down` runs their `down`, `restore-collections` restores what they left different, `restore` everything; `auto` takes the first that fits. What is not proven leads on to the next.',
      ['auto', 'undo', 'down', 'restore-collections', 'restore'],
    ).or('auto'),
    conflicts: choice(
      'What happens to writes of others that stand in the way: `fail` changes nothing, `keep` leaves documents that both changed as the others left them (undo only), `revert` goes back all the same and loses those writes.',
      ['fail', 'keep', 'revert'],
    ).or('fail'),
    proof: choice(
      'How much the proof of `undo` reads: `auto` reads small collections whole and of large ones each document that was written since the rollback point, `whole` reads everything. The other rungs always read everything.',
      ['auto', 'whole'],
    ).or('auto'),
    store: text('Where the backups are: a folder, or `s3://bucket/prefix`; default: the place named in the rollback point.'),
    ...storeInputs,
    'backup-id': text('The backup to restore from; default: the one named in the rollback point.'),
    migrations: path('Folder of the migrations, for `down`; default: the one in migrate-mongo-config.js, else `migrations`.'),
    driver: choice('The MongoDB driver that `down` gets, as in action-migrate.', ['auto', 'project', 'bundled']).or('auto'),
    timeout: duration('Time limit for all `down` together.').or('1h'),
    'stop-command': text('Command that stops the application; run by the shell before the data is touched.'),
    'start-command': text('Command that starts the application; run by the shell after the proof.'),
    'slack-webhook': secret('Address of an incoming webhook of Slack that is told when the rollback itself fails.'),
    'smtp-url': secret('Mail server that is used when the rollback itself fails, for example smtps://user:password@mail.example.org.'),
    'email-to': list('Recipients of that e-mail.'),
    'email-from': text('Sender of that e-mail; default: the user of `smtp-url`, or migration-guard at its host.'),
    'lock-wait': duration('How long to wait while another run holds the lock; the one of a killed run is free after a minute.').or('90s'),
  },
  outputs: {
    rung: 'The rung that led (or would lead) back: none, undo, down, restore-collections or restore',
    proof:
      'equal (the database equals the rollback point), equal-with-later-writes (it does apart from what others wrote since, which is kept), equal-to-backup (it equals the backup where that differs), failed, or none',
    'proof-extent':
      'whole (every document was read for the proof), touched (of large collections only those that were written since the rollback point), or none',
    conflicts:
      'Collections in which writes of others stand in the way, or of which the backup does not hold what the point says, a JSON array',
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
  check: ({ uri, smtpUrl, emailTo }) => [
    ...(uri === undefined ? [{ subject: 'uri', message: 'is required' }] : []),
    ...(smtpUrl !== undefined && (emailTo ?? []).length === 0
      ? [{ subject: 'email-to', message: 'is required where smtp-url is given' }]
      : []),
  ],
});
