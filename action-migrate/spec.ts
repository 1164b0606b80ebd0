import { boolean, choice, duration, integer, list, path, text } from '@migration-guard/shared/action/inputs';
import { importSources } from '@migration-guard/shared/migration/import/sources';
import { storeInputs } from '@migration-guard/shared/action/store-inputs';
import { defineAction } from '@migration-guard/shared/action/spec';

const rehearseOn = /^(ephemeral|same-server|mongodb(\+srv)?:\/\/.+)$/s;

export const spec = defineAction({
  name: 'migrate',
  title: 'Migrate',
  description: 'Plans, rehearses and applies MongoDB migrations: migrate-mongo files, under a lock, with a journal and a rollback point.',
  inputs: {
    mode: choice(
      'What to do: `plan` loads and orders the pending files, `rehearse` runs them on a restored copy, `apply` runs them on the target, `status` tells what is applied, `mark-applied` lets files count as applied without running them, `import-history` takes over the history of another tool.',
      ['plan', 'rehearse', 'apply', 'status', 'mark-applied', 'import-history'],
    ).mandatory(),
    migrations: path('Folder of the migrations; default: the one in the configuration of migrate-mongo, else `migrations`.'),
    history: choice(
      'How applied migrations are recorded in the database: as `migrate-mongo` does, as `plain` records `{filename, executedAt, success}`, or as runners of classes do (`class`: `{file, className, timestamp}`).',
      ['migrate-mongo', 'plain', 'class'],
    ).or('migrate-mongo'),
    changelog: text(
      'Name of the collection that records them; default: the one in migrate-mongo-config.js, else `changelog`; `migrations` for plain, `migrations_changelog` for class.',
    ),
    'migrate-mongo-config': path(
      'Configuration file of migrate-mongo; default: `migrate-mongo-config` with the extension .js, .cjs, .mjs, .ts, .cts or .mts, in the workspace or beside the folder of the migrations.',
    ),
    to: text('Last file to be run; default: all that are pending.'),
    steps: integer('At most so many files.', { min: 1 }),
    only: list('These pending files and no other; with `mark-applied`: the files to be marked.'),
    reason: text('Why files are marked as applied; kept in the journal with the actor.'),
    'import-from': choice('The tool whose history `import-history` takes over.', importSources),
    'import-collection': text('The collection of that history; default: the one that the tool uses by default.'),
    'import-write': boolean('Whether `import-history` writes what its plan shows; without it the plan is only shown.').or('false'),
    'allow-out-of-order': list(
      'Files that may run although they sort before an applied one, each with the reason: `20240101120000-add-status.js: independent of the later ones`.',
    ),
    'rehearse-on': text(
      'Where the copy lives: `ephemeral` (a server of its own on the runner), `same-server` (a database `<name>_migration_test`, removed afterwards), or the connection string of another server.',
    ).or('ephemeral'),
    store: text(
      'Where the backups are: a folder, or `s3://bucket/prefix`. The rehearsal restores from it; the rollback point refers to it.',
    ),
    ...storeInputs,
    'max-age': duration('How old the backup may be from which a copy is made and to which a rollback would go back, such as 24h.'),
    'backup-id': text(
      'Backup to use: its id, `latest` (the newest proven one), or for a rehearsal `fresh`: taken of `uri` now and removed afterwards, as it is without `store` too.',
    ).or('latest'),
    'plan-hash': text('Hash of the approved plan: `apply` refuses anything else.'),
    'require-rehearsal': boolean('Whether `apply` refuses a plan that no earlier step of this job rehearsed with success.').or('false'),
    driver: choice(
      'The MongoDB driver that migrations get: that of the `project`, the `bundled` one, or `auto`: the first that is there.',
      ['auto', 'project', 'bundled'],
    ).or('auto'),
    transaction: choice(
      'Whether each `up` runs in a transaction of its own; a file says otherwise by `export const transaction = false` (or `true`).',
      ['none', 'per-file'],
    ).or('none'),
    timeout: duration('Time limit for all files, commands and seeds together.').or('1h'),
    'file-timeout': duration('Time limit for each single file; default: that of all together.'),
    'lock-wait': duration('How long to wait while another run holds the lock.').or('0s'),
    retry: list(
      'Files and commands (`command:<name>`) that an interrupted run left half-done and that may run again from their beginning.',
    ),
    databases: list(
      'Several databases instead of one, one after the other: names, or patterns such as `tenant_*`. Each has its own lock, journal, history and rollback point.',
    ),
    'stop-after': integer('After so many databases that failed, no further one is begun; 0: go on with all.', { min: 0 }).or('1'),
    'allow-untrusted': boolean('Whether runs that forks or comments can start may reach a server that is not on this machine.').or('false'),
  },
  outputs: {
    applied: 'What this run applied: names of files and seeds, and `command:<name>`, a JSON array; right also after a failure',
    pending: 'What is still to be applied, in the same words, a JSON array; right also after a failure',
    'plan-hash':
      'Hash of the plan: database and history (which file was applied when), files, their content and order, and what the lint rules find in them',
    'rollback-point': 'Path of the rollback point, made right before the first write',
    findings: 'Number of findings, those of the lint rules included',
    databases: 'With the input `databases`: result, applied and pending files and rollback point of each database, a JSON array',
    sarif: 'Path of the SARIF file with what the lint rules found, for upload-sarif',
  },
  permissions: { 'id-token: write': 'for `role-to-assume` only' },
  post: true,
  example: `- uses: OWNER/REPOSITORY/action-migrate@v1
  with:
    mode: apply
    uri: \${{ secrets.MONGODB_URI }}
    database: shop
    migrations: migrations
    store: backups`,
  settings: async () => (await import('@migration-guard/shared/config/migrate')).settings,
  check: ({ mode, uri, store, backupId, rehearseOn: on, allowOutOfOrder, only, reason, importFrom }) => [
    ...(mode === 'mark-applied' && (only ?? []).length === 0 ? [{ subject: 'only', message: 'is required for mode mark-applied' }] : []),
    ...(mode === 'mark-applied' && reason === undefined ? [{ subject: 'reason', message: 'is required for mode mark-applied' }] : []),
    ...(mode === 'import-history' && importFrom === undefined
      ? [{ subject: 'import-from', message: 'is required for mode import-history' }]
      : []),
    ...(allowOutOfOrder ?? [])
      .filter((line) => !/^[^:]+:\s*\S/.test(line))
      .map((line) => ({ subject: 'allow-out-of-order', message: `expected a file, a colon and the reason: ${line}` })),
    ...(uri === undefined && (mode !== 'rehearse' || on === 'same-server')
      ? [{ subject: 'uri', message: `is required for mode ${mode}${mode === 'rehearse' ? ' with rehearse-on: same-server' : ''}` }]
      : []),
    ...(mode === 'rehearse' && store === undefined && uri === undefined
      ? [{ subject: 'store', message: 'is required for mode rehearse, or uri, of which a fresh backup is taken' }]
      : []),
    ...(store === undefined && backupId !== undefined && !/^(latest|fresh)$/.test(backupId)
      ? [{ subject: 'store', message: 'is required with backup-id' }]
      : []),
    ...(backupId === 'fresh' && (mode !== 'rehearse' || uri === undefined)
      ? [{ subject: 'backup-id', message: 'fresh is for mode rehearse, with uri' }]
      : []),
    ...(on === undefined || rehearseOn.test(on)
      ? []
      : [{ subject: 'rehearse-on', message: 'expected ephemeral, same-server or a connection string' }]),
  ],
});
