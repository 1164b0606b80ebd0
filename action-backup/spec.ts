import { boolean, choice, duration, list, text } from '@migration-guard/shared/action/inputs';
import { storeInputs } from '@migration-guard/shared/action/store-inputs';
import { defineAction } from '@migration-guard/shared/action/spec';
import { engineInputs, engineProblems, isKeeper } from './src/engine-inputs.ts';

export const spec = defineAction({
  name: 'backup',
  title: 'Backup',
  description: 'Takes backups of MongoDB databases, proves them, restores them exactly, lists them and removes old ones.',
  inputs: {
    mode: choice('What to do.', ['create', 'verify', 'restore', 'list', 'prune']).or('create'),
    store: text(
      'Where the backups are kept: a folder, or `s3://bucket/prefix`. Modes `restore` and `verify` also take what mongodump wrote: a folder or an archive file, plain or gzip.',
    ).mandatory(),
    ...storeInputs,
    's3-sse': choice('Encryption by the server: `AES256`, or `aws:kms` with a key of KMS.', ['AES256', 'aws:kms']),
    's3-kms-key': text('Id or ARN of the KMS key; default: the one of the account. Stands for `s3-sse: aws:kms`.'),
    's3-object-lock': choice(
      'Object Lock of what is written: nobody can remove it before its time (`governance`: but with a special right).',
      ['governance', 'compliance'],
    ),
    's3-object-lock-for': duration('How long the Object Lock lasts, such as 30d.'),
    ...engineInputs,
    'backup-id': text('The backup to verify or restore, or `latest`.').or('latest'),
    databases: list('Databases to back up or restore; default: the one named by `database` or the connection string, or else all.'),
    include: list('Only collections that fit one of these patterns, such as `shop.*` or `orders`.'),
    exclude: list('No collection that fits one of these patterns.'),
    query: list(
      'Only documents that fit a query are backed up: one line a collection, Extended JSON, such as `shop.orders: {"status": "open"}`. Such a backup is never the latest of anything.',
    ),
    'users-and-roles': boolean(
      'Whether users and roles are backed up or restored too: those of the chosen databases, or all. A backup with them holds password hashes.',
    ).or('false'),
    'required-collections': list('Patterns that must each fit a collection with documents, or the backup fails.'),
    compression: choice('How documents are stored. Stock `mongorestore --gzip` reads `gzip`.', ['zstd', 'gzip', 'none']).or('zstd'),
    'encrypt-to': list('Recipients of age (age1…) for whom the backup is encrypted. No secret is needed to create it.'),
    consistency: choice(
      'Which point in time the backup must show; `auto` takes the best that the server offers, `none` takes what comes.',
      ['auto', 'snapshot', 'oplog', 'quiescent', 'none'],
    ).or('auto'),
    proof: choice('How the backup is proven: `read` reads it back, `restore` restores it into a throw-away server and counts there.', [
      'none',
      'read',
      'restore',
    ]).or('read'),
    'ns-from': list('Patterns of collections that get another name in a restore, such as `shop.*`.'),
    'ns-to': list('The names that they get, such as `shop_copy.*`.'),
    drop: boolean('Whether a restore may replace collections that exist. Nothing is dropped before its replacement is proven.').or('false'),
    'oplog-limit': text(
      'Mode restore: entries of the oplog at or after this time are not replayed, such as `1795273397.12` (seconds, increment) or `2026-11-21T15:00:00Z`.',
    ),
    'max-age': duration('Modes verify and restore: how old the backup may be, such as 24h.'),
    keep: list('Mode prune: what to keep, such as `last: 3`, `days: 7`, `weekly: 4`, `monthly: 6`; anything else goes.'),
  },
  outputs: {
    'backup-id': 'The backup that was created, verified or restored',
    'backup-path': 'Where it is; its folder `dump` has the layout of mongodump',
    consistency: 'snapshot, oplog, quiescent or none',
    documents: 'Number of documents',
    bytes: 'Bytes of documents (BSON)',
    digest: 'Digest of all documents, independent of their order',
    proof: 'How the backup is proven: none, read or restore',
    backups: 'Modes list and prune: the backups that are left, a JSON array, newest first',
  },
  permissions: { 'id-token: write': 'for `role-to-assume` only' },
  example: `- uses: OWNER/REPOSITORY/action-backup@v1
  id: backup
  with:
    uri: \${{ secrets.MONGODB_URI }}
    store: /backups
    required-collections: |
      users
      orders`,
  check: ({ mode, uri, keep, nsFrom, nsTo, proof, encryptTo, decryptKey, s3Sse, s3KmsKey, s3ObjectLock, s3ObjectLockFor, ...rest }) => [
    ...engineProblems({
      mode,
      engine: rest.engine,
      uri,
      drop: rest.drop,
      proof,
      parts: {
        databases: rest.databases,
        include: rest.include,
        exclude: rest.exclude,
        query: rest.query,
        'users-and-roles': rest.usersAndRoles || undefined,
        'oplog-limit': rest.oplogLimit,
        'required-collections': rest.requiredCollections,
        'ns-from': nsFrom,
        'encrypt-to': encryptTo,
      },
      atlas: {
        'atlas-project': rest.atlasProject,
        'atlas-cluster': rest.atlasCluster,
        'atlas-key-id': rest.atlasKeyId,
        'atlas-key-secret': rest.atlasKeySecret,
      },
    }),
    ...((s3ObjectLock === undefined) === (s3ObjectLockFor === undefined)
      ? []
      : [{ subject: 's3-object-lock-for', message: 'belongs together with s3-object-lock' }]),
    ...(mode === 'create' && proof === 'restore' && encryptTo !== undefined && decryptKey === undefined
      ? [{ subject: 'decrypt-key', message: 'is needed for proof: restore of an encrypted backup' }]
      : []),
    ...(s3KmsKey !== undefined && s3Sse === 'AES256' ? [{ subject: 's3-kms-key', message: 'needs s3-sse: aws:kms' }] : []),
    ...(uri === undefined && !isKeeper(rest.engine) && (mode === 'create' || mode === 'restore')
      ? [{ subject: 'uri', message: 'is required' }]
      : []),
    ...(rest.engine === 'mongodump' && rest.query !== undefined
      ? [{ subject: 'query', message: 'does not go with engine: mongodump' }]
      : []),
    ...(rest.engine === 'mongodump' && rest.oplogLimit !== undefined
      ? [{ subject: 'oplog-limit', message: 'does not go with engine: mongodump' }]
      : []),
    ...(mode === 'prune' && keep === undefined ? [{ subject: 'keep', message: 'is required in mode prune' }] : []),
    ...(nsFrom?.length === nsTo?.length ? [] : [{ subject: 'ns-to', message: 'needs as many patterns as ns-from' }]),
  ],
});
